"""The decoder's upscaling and its product with the mask weights, on a CPU: matrix products over a few cells at a time.

A transposed convolution whose stride is its kernel's side is a matrix product; its outputs stay where the product puts
them, cell by cell, until only the few masks are left to be laid out as pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.folded import buffer

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
    first, norm, _, second, _ = upscaling
    count, total = cells.shape[:2]
    kernels = [layer.weight.permute(0, 2, 3, 1).flatten(1) for layer in (first, second)]
    biases = [layer.bias.repeat(4) for layer in (first, second)]
    logits = buffer("logits", count, weights.shape[1], total * 16)
    for x, weight, out in zip(cells, weights, logits, strict=True):
        for start in range(0, total, _CELLS):
            part = x[start : start + _CELLS]
            half = torch.mm(part, kernels[0], out=buffer("half", len(part), kernels[0].shape[1])).add_(biases[0])
            pixels = half.view(-1, first.out_channels)
            pixels = F.layer_norm(pixels, (first.out_channels,), norm.weight, norm.bias, norm.eps)
            torch.ops.aten.gelu_(pixels)
            fine = torch.mm(pixels, kernels[1], out=buffer("fine", len(pixels), kernels[1].shape[1])).add_(biases[1])
            torch.ops.aten.gelu_(fine)
            out[:, start * 16 : (start + _CELLS) * 16] = weight @ fine.view(-1, second.out_channels).T
    nested = logits.view(count, -1, *hw, 2, 2, 2, 2)  # cell, then place in it, then place in that
    return nested.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(count, -1, 4 * hw[0], 4 * hw[1])
