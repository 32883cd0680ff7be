"""The two-way transformer on a CPU, with the projections of the image folded into the few tokens.

A score is q·(K x) = (Kᵀq)·x, and a weighted sum of values is V (Σ a x): with t tokens of h heads, two products of width
t·h replace projections of 4096 cells. That is less work for up to about 16 tokens, and exact but for rounding. The
cells of one image are computed once for all prompts until the prompts change them. Blocks of cells stay in the cache,
and what is large is written into buffers that the thread keeps: fresh memory costs a page fault every 4 KB.
"""

from __future__ import annotations

import math
import threading

import torch
from torch import Tensor
from torch.nn import functional as F

from sampipe.models.transformer import Attention, TwoWayAttentionBlock, TwoWayTransformer

_CELLS = 512  # at a time
_scratch = threading.local()


def buffer(name: str, *shape: int) -> Tensor:
    """This thread's own float32 memory of that name, contents undefined; grows, and is used again."""
    size = math.prod(shape)
    held: Tensor | None = getattr(_scratch, name, None)
    if held is None or held.numel() < size:
        held = torch.empty(size)
        setattr(_scratch, name, held)
    return held[:size].view(shape)


def is_folding_worthwhile(transformer: TwoWayTransformer, tokens: Tensor) -> bool:
    """Whether :func:`two_way` may stand in for the plain forward pass, and is less work."""
    attention = transformer.final_attn_token_to_image
    inner, rows = attention.k_proj.out_features, tokens.shape[1] * attention.num_heads
    plain = torch.is_autocast_enabled("cpu") or not torch.is_inference_mode_enabled()
    return not plain and tokens.device.type == "cpu" and tokens.dtype == torch.float32 and rows <= inner


def two_way(transformer: TwoWayTransformer, tokens: Tensor, image: Tensor, image_pe: Tensor) -> tuple[Tensor, Tensor]:
    """What ``transformer(tokens, image, image_pe)`` gives; same shapes. The image lies in this thread's buffer."""
    token_pe, position = tokens, image_pe[0]
    cells = [image[i if len(image) > 1 else 0] for i in range(len(tokens))]
    changed = buffer("cells", *tokens.shape[:1], *image.shape[1:])
    for layer in transformer.layers:
        assert isinstance(layer, TwoWayAttentionBlock)
        if layer.first:
            tokens = layer.self_attn(tokens, tokens, tokens)
        else:
            positioned = tokens + token_pe
            tokens = tokens + layer.self_attn(positioned, positioned, tokens)
        tokens = layer.norm1(tokens)
        tokens = layer.norm2(tokens + _look(layer.cross_attn_token_to_image, tokens + token_pe, cells, position))
        tokens = layer.norm3(tokens + layer.mlp(tokens))
        asking = _Asked(layer.cross_attn_image_to_token, tokens + token_pe, tokens)
        for i, x in enumerate(cells):
            asking.answer(i, x, position, layer.norm4, out=changed[i])
        cells = list(changed)
    attended = _look(transformer.final_attn_token_to_image, tokens + token_pe, cells, position)
    return transformer.norm_final_attn(tokens + attended), changed


def _look(attention: Attention, queries: Tensor, cells: list[Tensor], position: Tensor) -> Tensor:
    """Tokens (n, t, dim) attend to each object's cells; the key's bias moves all scores alike and falls away."""
    heads, count = attention.num_heads, queries.shape[1]
    asked = attention.q_proj(queries).unflatten(-1, (heads, -1)) * (attention.q_proj.out_features // heads) ** -0.5
    rows = torch.einsum("nthw,hwd->nhtd", asked, attention.k_proj.weight.unflatten(0, (heads, -1))).flatten(1, 2)
    seen = torch.empty_like(rows)
    for row, x, out in zip(rows, cells, seen, strict=True):
        scores = buffer("scores", len(row), len(x))
        for start in range(0, len(x), _CELLS):
            block = slice(start, start + _CELLS)
            keys = torch.add(x[block], position[block], out=buffer("keys", *x[block].shape))
            torch.mm(row, keys.T, out=scores[:, block])
        torch.softmax(scores, dim=-1, out=scores)
        torch.mm(scores, x, out=out)
    weight = attention.v_proj.weight.unflatten(0, (heads, -1))
    mixed = torch.einsum("nhtd,hwd->nthw", seen.unflatten(1, (heads, count)), weight).flatten(2)
    return attention.out_proj(mixed + attention.v_proj.bias)


class _Asked:
    """Tokens as the cells of the image ask them: what scores a cell, and what each token adds to it."""

    def __init__(self, attention: Attention, keys: Tensor, values: Tensor) -> None:
        heads = attention.num_heads
        self.heads = heads
        key = attention.k_proj(keys).unflatten(-1, (heads, -1)) * (attention.k_proj.out_features // heads) ** -0.5
        value = attention.v_proj(values).unflatten(-1, (heads, -1))
        query, bias = attention.q_proj.weight.unflatten(0, (heads, -1)), attention.q_proj.bias.unflatten(0, (heads, -1))
        self.rows = torch.einsum("nthw,hwd->nhtd", key, query).flatten(1, 2)
        self.constants = torch.einsum("nthw,hw->nht", key, bias).flatten(1)[..., None]
        adds = torch.einsum("nthw,dhw->nhtd", value, attention.out_proj.weight.unflatten(1, (heads, -1)))
        self.adds = (adds + attention.out_proj.bias / heads).flatten(1, 2)  # each head's shares sum to 1

    def answer(self, i: int, x: Tensor, position: Tensor, norm: torch.nn.LayerNorm, *, out: Tensor) -> None:
        """Object i's cells, changed by its tokens and normalised; ``out`` may be ``x``."""
        for start in range(0, len(x), _CELLS):
            part = x[start : start + _CELLS]
            asking = torch.add(part, position[start : start + _CELLS], out=buffer("keys", *part.shape))
            scores = torch.mm(self.rows[i], asking.T, out=buffer("scores", len(self.rows[i]), len(part)))
            by_token = scores.add_(self.constants[i]).view(self.heads, -1, len(part))
            torch.softmax(by_token, dim=1, out=by_token)
            total = torch.mm(scores.T, self.adds[i], out=buffer("keys", *part.shape)).add_(part)
            out[start : start + _CELLS] = F.layer_norm(total, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
