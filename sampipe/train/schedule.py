"""Learning rate over time, and weights averaged over time."""

from __future__ import annotations

import math

import torch
from torch import nn

from sampipe.train.config import OptimizerConfig

_STEP = 0.1
_FLOOR = 0.02


def rate_factor(config: OptimizerConfig, *, step: int, progress: float) -> float:
    """What the learning rate is multiplied by in step ``step``, from 0, at ``progress`` in 0..1 of the run."""
    warmup = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    if config.schedule == "step":
        passed = sum(progress >= milestone for milestone in config.milestones)
        return float(warmup * _STEP**passed)
    return warmup * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


class MovingAverage:
    """An exponential moving average of a network's parameters and buffers: often better than where it has got to.

    Args:
        network: what is trained.
        decay: share kept at each step, once warmed up; 0 follows the network itself.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take a step towards the network's present weights."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for name, value in network.state_dict().items():
            if value.is_floating_point() and decay:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)
