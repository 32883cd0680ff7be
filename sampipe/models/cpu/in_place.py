"""A block of the paper's image encoder on a CPU: in this thread's buffers, the tokens changed where they lie.

What takes the time besides the products is memory: fresh large tensors cost page faults, and scores that leave the
cache are read back. So a row of windows, or one head of the whole image, goes from its norm to its projection before
the next one begins; projections and the relative positions are added by the products themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.cpu.products import add_linear, linear
from sampipe.models.cpu.scratch import buffer

if TYPE_CHECKING:
    from sampipe.models.encoders.vit import Block, WindowAttention

_TOKENS = 512  # through the MLP at a time
_SCORES = 1 << 20  # of one head at a time


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
            widen, narrow = block.mlp.lin1, block.mlp.lin2
            hidden = linear(_normed(block.norm2, part), widen.weight, widen.bias, gelu=True)
            add_linear(part, hidden, narrow.weight, narrow.bias)


def _normed(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def _attend_in_windows(norm: nn.LayerNorm, attention: WindowAttention, x: Tensor) -> None:
    """A row of windows, (at most side, w, dim)."""
    height, width, dim = x.shape
    tokens, side = x.flatten(0, 1), attention.side
    qkv = linear(_normed(norm, tokens), attention.qkv.weight, attention.qkv.bias).view(height, width, -1)
    mixed = buffer("row", height, width, dim)
    for left in range(0, width, side):
        window = slice(left, left + side)
        mixed[:, window] = _attend_in_window(attention, qkv[:, window])
    add_linear(tokens, mixed.flatten(0, 1), attention.proj.weight, attention.proj.bias)


def _attend_in_window(attention: WindowAttention, qkv: Tensor) -> Tensor:
    """One window's (at most side, at most side, 3 * dim) to (height, width, dim); what it lacks is all bias."""
    (height, width), side, heads = qkv.shape[:2], attention.side, attention.num_heads
    if (height, width) != (side, side):
        padded = buffer("padded", side, side, qkv.shape[2]).copy_(attention.qkv.bias.expand(side, side, -1))
        padded[:height, :width] = qkv
        qkv = padded
    by_head = qkv.unflatten(2, (3, heads, -1)).permute(2, 3, 0, 1, 4)  # 3, head, row, column, d
    q, k, v = buffer("window", *by_head.shape).copy_(by_head)
    scores = buffer("scores", heads, side, side, side, side)
    _fill_with_positions(scores, q, attention)
    flat = scores.view(heads, side * side, -1)
    flat.baddbmm_(q.flatten(1, 2), k.flatten(1, 2).transpose(1, 2), alpha=q.shape[-1] ** -0.5)
    torch.softmax(flat, dim=-1, out=flat)
    mixed = torch.bmm(flat, v.flatten(1, 2), out=buffer("mixed", heads, side * side, q.shape[-1]))
    return mixed.view(heads, side, side, -1)[:, :height, :width].permute(1, 2, 0, 3).flatten(2)


def _fill_with_positions(scores: Tensor, q: Tensor, attention: WindowAttention) -> None:
    """What rows and columns apart add to the score of each query and key; (n, i, j, y, x) for q (n, i, j, d)."""
    side = q.shape[1]
    offset = torch.arange(side)[:, None] - torch.arange(side) + side - 1
    by_row = torch.einsum("nijd,iyd->nijy", q, attention.rel_pos_h[offset])
    by_column = torch.einsum("nijd,jxd->nijx", q, attention.rel_pos_w[offset])
    torch.add(by_row[..., None], by_column[..., None, :], out=scores)


def _attend_globally(norm: nn.LayerNorm, attention: WindowAttention, x: Tensor) -> None:
    """Every token to every token, (side * side, dim); a head at a time, from its queries to its share of the tokens."""
    normed = _normed(norm, x)
    heads = attention.num_heads
    weights, biases = attention.qkv.weight.unflatten(0, (3, heads, -1)), attention.qkv.bias.unflatten(0, (3, heads, -1))
    projection = attention.proj.weight.unflatten(1, (heads, -1))
    x.add_(attention.proj.bias)
    for head in range(heads):
        q, k, v = (linear(normed, weights[part, head], biases[part, head]) for part in range(3))
        x.addmm_(_attend_one_head(attention, q, k, v), projection[:, head].T)


def _attend_one_head(attention: WindowAttention, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    side, out = attention.side, buffer("mixed", *v.shape)
    rows = max(1, _SCORES // side**3)
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
    return out
