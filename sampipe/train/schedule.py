"""Learning rate over time, and weights averaged over time."""

from __future__ import annotations

import math

import torch
from torch import nn


def cosine(progress: float, *, warmup: float = 0.02, floor: float = 0.02) -> float:
    """Learning-rate factor at ``progress`` in 0..1: linear warm-up, then half a cosine down to ``floor``."""
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    done = min((progress - warmup) / (1 - warmup), 1.0)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


class MovingAverage:
    """An exponential moving average of a network's parameters and buffers: the network worth keeping.

    Args:
        network: what is trained.
        decay: share kept at each step, once warmed up.
    """

    def __init__(self, network: nn.Module, decay: float = 0.997) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take a step towards the network's present weights."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)
