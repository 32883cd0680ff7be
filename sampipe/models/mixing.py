"""Convolutions inside the mask decoder, for a model that must learn from little data (not in the paper).

What a prompt means for a cell depends on its neighbours. Attention finds that out given a billion masks; a few
convolutions over the prompted embedding know it from the start (early fusion, as in RITM: Sofiiuk et al. 2022).
"""

from __future__ import annotations

from torch import Tensor, nn

from sampipe.models.layers import LayerNorm2d


class MixingBlock(nn.Module):
    """A residual bottleneck over a (n, dim, h, w) map."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(dim, inner, kernel_size=1),
            LayerNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, inner, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, inner, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, dim, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).add_(x)


class FineMixing(nn.Module):
    """One residual look at the neighbours, for the map at twice the embedding's resolution."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(dim, dim, kernel_size=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).add_(x)


def mixing(blocks: int, dim: int, inner: int) -> nn.Module:
    """``blocks`` of them in a row; the identity for none."""
    return nn.Sequential(*(MixingBlock(dim, inner) for _ in range(blocks)))
