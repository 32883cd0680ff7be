"""A block of the paper's image encoder on a CPU: in this thread's buffers, the tokens changed where they lie.

What takes the time besides the products is memory: fresh large tensors cost page faults, and scores that leave the
cache are read back. So a row of windows, or a few queries of one head, goes from its norm to its projection before
the next one begins; projections and the relative positions are added by the products themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.folded import buffer

if TYPE_CHECKING:
    from sampipe.models.vit import Block, WindowAttention

_TOKENS = 512  # through the MLP at a time
_SCORES = 1 << 20  # of one head at a time


def is_in_place_possible(x: Tensor) -> bool:
    """Whether :func:`change` may stand in for the plain forward pass of blocks on ``x``."""
    plain = torch.is_autocast_enabled("cpu") or not torch.is_inference_mode_enabled()
    return not plain and x.device.type == "cpu" and x.dtype == torch.float32


def change(block: Block, x: Tensor) -> None:
    """Make of ``x``, contiguous (b, h, w, dim), what ``block(x)`` gives."""
    side = block.attn.side
    for image in x:
        if (side, side) == image.shape[:2]:
            _attend_globally(block.norm1, block.attn, image.flatten(0, 1))
        else:
            for top in range(0, len(image), side):
                _attend_in_windows(block.norm1, block.attn, image[top : top + side])
        tokens = image.flatten(0, 1)
        for part in tokens.split(_TOKENS):
            hidden = _linear(_normed(block.norm2, part), block.mlp.lin1, "hidden")
            torch.ops.aten.gelu_(hidden)
            _add_projection(part, hidden, block.mlp.lin2)


def _normed(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def _linear(x: Tensor, layer: nn.Linear, name: str) -> Tensor:
    return torch.addmm(layer.bias, x, layer.weight.T, out=buffer(name, len(x), layer.out_features))


def _add_projection(x: Tensor, mixed: Tensor, layer: nn.Linear) -> None:
    x.addmm_(mixed, layer.weight.T).add_(layer.bias)


def _attend_in_windows(norm: nn.LayerNorm, attention: WindowAttention, x: Tensor) -> None:
    """A row of windows, (at most side, w, dim)."""
    height, width, dim = x.shape
    side, heads = attention.side, attention.num_heads
    right = -(-width // side)
    qkv = _linear(_normed(norm, x.flatten(0, 1)), attention.qkv, "qkv").view(height, width, -1)
    if (height, width) != (side, right * side):  # a token of padding is all bias
        padded = buffer("padded qkv", side, right * side, 3 * dim)
        padded[...] = attention.qkv.bias
        padded[:height, :width] = qkv
        qkv = padded
    windows = qkv.view(side, right, side, 3, heads, -1).permute(3, 1, 4, 0, 2, 5)  # 3, window, head, row, column, d
    q, k, v = buffer("windows", *windows.shape).copy_(windows).flatten(1, 2)
    scores = buffer("scores", len(q), side, side, side, side)
    _fill_with_positions(scores, q, attention)
    flat = scores.view(len(q), side * side, -1)
    flat.baddbmm_(q.flatten(1, 2), k.flatten(1, 2).transpose(1, 2), alpha=q.shape[-1] ** -0.5)
    torch.softmax(flat, dim=-1, out=flat)
    mixed = torch.bmm(flat, v.flatten(1, 2), out=buffer("mixed", len(q), side * side, q.shape[-1]))
    joined = mixed.view(right, heads, side, side, -1).permute(2, 0, 3, 1, 4)  # row, window, column, head, d
    whole = buffer("joined", *joined.shape).copy_(joined).view(side, right * side, dim)
    _add_projection(x.view(-1, dim), whole[:height, :width].reshape(-1, dim), attention.proj)


def _fill_with_positions(scores: Tensor, q: Tensor, attention: WindowAttention) -> None:
    """What rows and columns apart add to the score of each query and key; (n, i, j, y, x) for q (n, i, j, d)."""
    side = q.shape[1]
    offset = torch.arange(side)[:, None] - torch.arange(side) + side - 1
    by_row = torch.einsum("nijd,iyd->nijy", q, attention.rel_pos_h[offset])
    by_column = torch.einsum("nijd,jxd->nijx", q, attention.rel_pos_w[offset])
    torch.add(by_row[..., None], by_column[..., None, :], out=scores)


def _attend_globally(norm: nn.LayerNorm, attention: WindowAttention, x: Tensor) -> None:
    """Every token to every token, (side * side, dim)."""
    side, heads = attention.side, attention.num_heads
    qkv = buffer("qkv", len(x), attention.qkv.out_features)
    for start in range(0, len(x), _TOKENS):
        part = slice(start, start + _TOKENS)
        torch.addmm(attention.qkv.bias, _normed(norm, x[part]), attention.qkv.weight.T, out=qkv[part])
    mixed = buffer("mixed", heads, len(x), x.shape[1] // heads)
    rows = max(1, _SCORES // side**3)
    for queries, keys, values, out in zip(*qkv.view(len(x), 3, heads, -1).permute(1, 2, 0, 3), mixed, strict=True):
        q, k, v = (
            buffer(name, *queries.shape).copy_(t) for name, t in zip("qkv", (queries, keys, values), strict=True)
        )
        _attend_one_head(attention, q, k, v, rows, out)
    joined = buffer("joined", len(x), heads, out.shape[1]).copy_(mixed.transpose(0, 1)).flatten(1)
    _add_projection(x, joined, attention.proj)


def _attend_one_head(attention: WindowAttention, q: Tensor, k: Tensor, v: Tensor, rows: int, out: Tensor) -> None:
    side = attention.side
    offset = torch.arange(side)[:, None] - torch.arange(side) + side - 1
    grid = q.view(side, side, -1)
    by_row = torch.bmm(grid, attention.rel_pos_h[offset].transpose(1, 2))
    by_column = torch.bmm(grid.transpose(0, 1), attention.rel_pos_w[offset].transpose(1, 2)).transpose(0, 1)
    for top in range(0, side, rows):
        block = slice(top, top + rows)
        scores = buffer("scores", len(by_row[block]), side, side, side)
        torch.add(by_row[block][..., None], by_column[block][..., None, :], out=scores)
        tokens = slice(top * side, (top + rows) * side)
        flat = scores.view(-1, side * side).addmm_(q[tokens], k.T, alpha=q.shape[1] ** -0.5)
        torch.softmax(flat, dim=-1, out=flat)
        torch.mm(flat, v, out=out[tokens])
