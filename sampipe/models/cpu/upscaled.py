"""The decoder's upscaling and its product with the mask weights, on a CPU: matrix products over a few cells at a time.

A transposed convolution whose stride is its kernel's side is a matrix product; its outputs stay where the product puts
them, cell by cell, until only the few masks are left to be laid out as images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.cpu.scratch import buffer
from sampipe.models.layers import LayerNorm2d

_CELLS = 512  # at a time


def mask_logits(upscaling: nn.Sequential, cells: Tensor, weights: Tensor, hw: tuple[int, int]) -> Tensor:
    """What upscaling the map of cells and weighting its channels gives.

    Args:
        upscaling: transposed convolution, norm, GELU, transposed convolution, GELU.
        cells: (n, h * w, dim).
        weights: (n, c, dim / 8).
        hw: h and w.

    Returns:
        (n, c, 4 * h, 4 * w).
    """
    (widen, bias), norm, (widen_again, bias_again) = _product(upscaling[0]), upscaling[1], _product(upscaling[3])
    assert isinstance(norm, LayerNorm2d)
    count, total = cells.shape[:2]
    channels, last_channels = len(bias) // 4, len(bias_again) // 4
    logits = buffer("logits", count, weights.shape[1], total * 16)
    for x, weight, out in zip(cells, weights, logits, strict=True):
        for start in range(0, total, _CELLS):
            part = x[start : start + _CELLS]
            half = torch.mm(part, widen, out=buffer("half", len(part), len(bias))).add_(bias)
            pixels = F.layer_norm(half.view(-1, channels), (channels,), norm.weight, norm.bias, norm.eps)
            torch.ops.aten.gelu_(pixels)
            fine = torch.mm(pixels, widen_again, out=buffer("fine", len(pixels), len(bias_again))).add_(bias_again)
            torch.ops.aten.gelu_(fine)
            out[:, start * 16 : (start + _CELLS) * 16] = weight @ fine.view(-1, last_channels).T
    nested = logits.view(count, -1, *hw, 2, 2, 2, 2)  # cell, then place in it, then place in that
    return nested.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(count, -1, 4 * hw[0], 4 * hw[1])


def _product(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """A transposed convolution as a matrix (in, 4 * out), place in the cell before channel, and its bias (4 * out,)."""
    assert isinstance(layer, nn.ConvTranspose2d) and layer.bias is not None
    return layer.weight.permute(0, 2, 3, 1).flatten(1), layer.bias.repeat(4)
