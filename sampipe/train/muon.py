"""Muon: steps of equal size in every direction of a weight matrix, with AdamW for what is no matrix.

Momentum is orthogonalised before it is applied (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural
networks"), and scaled so that a learning rate means what it means to AdamW (Liu et al. 2025, "Muon is scalable for LLM
training"). PyTorch's own takes matrices only; a convolutional model is mostly kernels, which are one matrix each here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_SMALLEST = 16  # side of a matrix; in less there are hardly directions to make equal
_MOMENTUM = 0.95
_ADAM_LIKE = 0.2  # root mean square of AdamW's steps, by experience
_COEFFICIENTS = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """An optimizer; parameters that are matrices or kernels of 16 by 16 or more are stepped by Muon, others by AdamW.

    Args:
        groups: of parameters, each with its ``weight_decay``.
        lr: learning rate, on AdamW's scale.
        betas: AdamW's.
        eps: AdamW's.
    """

    def __init__(
        self, groups: list[dict[str, Any]], lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    move = self._orthogonal if _is_matrix(parameter) else self._adam
                    found = move(parameter, parameter.grad, group)
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(found, alpha=-group["lr"])

    def _orthogonal(self, parameter: Tensor, gradient: Tensor, _: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        momentum = state.setdefault("momentum", torch.zeros_like(parameter)).mul_(_MOMENTUM).add_(gradient)
        matrix = (gradient + _MOMENTUM * momentum).flatten(1)  # Nesterov's
        return (orthogonalized(matrix) * (_ADAM_LIKE * max(matrix.shape) ** 0.5)).reshape(parameter.shape)

    def _adam(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> Tensor:
        state = self.state[parameter]
        first = state.setdefault("first", torch.zeros_like(parameter))
        second = state.setdefault("second", torch.zeros_like(parameter))
        state["step"] = step = state.get("step", 0) + 1
        for moment, value, beta in zip((first, second), (gradient, gradient * gradient), group["betas"], strict=True):
            moment.lerp_(value, 1 - beta)
        unbiased = [m / (1 - beta**step) for m, beta in zip((first, second), group["betas"], strict=True)]
        return unbiased[0] / (unbiased[1].sqrt() + group["eps"])


def orthogonalized(matrix: Tensor) -> Tensor:
    """The matrix (m, n) with all its singular values near 1 (0.7 to 1.2), by Newton-Schulz iteration in bfloat16."""
    a, b, c = _COEFFICIENTS
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim >= 2 and min(parameter.flatten(1).shape) >= _SMALLEST
