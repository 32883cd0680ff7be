"""The two-way transformer on a CPU, with the projections of the image folded into the few tokens.

A score is q·(K x) = (Kᵀq)·x, and a weighted sum of values is V (Σ a x): with t tokens of h heads, two products of width
t·h replace projections of 4096 cells. That is less work for up to about 16 tokens, and exact but for rounding. The
cells of one image are computed once for all prompts until the prompts change them. Blocks of cells stay in the cache.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sampipe.models.cpu.scratch import buffer
from sampipe.models.transformer import Attention, TwoWayAttentionBlock, TwoWayTransformer

_CELLS = 512  # at a time


def is_folding_worthwhile(transformer: TwoWayTransformer, tokens: Tensor) -> bool:
    """Whether :func:`two_way` is less work than the plain forward pass."""
    attention = transformer.final_attn_token_to_image
    return tokens.shape[1] * attention.num_heads <= attention.k_proj.out_features


class SharedImage:
    """What the first layer's attention projects an image to, for many prompts that all see that image.

    With these, an object's scores are products of the heads' few channels instead of all the image's; making them
    costs as much as two to three objects save.

    Args:
        transformer: whose first layer it is.
        image, image_pe: (1, cells, dim), as :func:`two_way` takes them.
    """

    def __init__(self, transformer: TwoWayTransformer, image: Tensor, image_pe: Tensor) -> None:
        first = transformer.layers[0]
        assert isinstance(first, TwoWayAttentionBlock)
        to_image, query = first.cross_attn_token_to_image, first.cross_attn_image_to_token
        cells, positioned = image[0], image[0] + image_pe[0]
        self.keys = _by_head(to_image, to_image.k_proj(positioned)).mT.contiguous()  # (heads, width, cells)
        self.values = _by_head(to_image, to_image.v_proj(cells)).contiguous()  # (heads, cells, width)
        self.queries = _by_head(query, query.q_proj(positioned)).mT.contiguous()  # (heads, width, cells)

    def token_to_image(self, attention: Attention, queries: Tensor) -> Tensor:
        """What :func:`_token_to_image` gives for every object's (n, t, dim) tokens."""
        split = attention.q_proj(queries).unflatten(-1, (attention.num_heads, -1))
        rows = split.permute(2, 0, 1, 3).flatten(1, 2) * split.shape[-1] ** -0.5
        scores = torch.bmm(rows, self.keys, out=buffer("shared", *rows.shape[:2], self.keys.shape[-1]))
        torch.softmax(scores, dim=-1, out=scores)
        mixed = torch.bmm(scores, self.values).unflatten(1, queries.shape[:2])
        return attention.out_proj(mixed.permute(1, 2, 0, 3).flatten(2))


def _by_head(attention: Attention, projected: Tensor) -> Tensor:
    """(cells, inner) as (heads, cells, width)."""
    return projected.unflatten(-1, (attention.num_heads, -1)).transpose(0, 1)


def two_way(
    transformer: TwoWayTransformer,
    tokens: Tensor,
    image: Tensor,
    image_pe: Tensor,
    shared: SharedImage | None = None,
) -> tuple[Tensor, Tensor]:
    """What ``transformer(tokens, image, image_pe)`` gives; same shapes. The image lies in this thread's buffer.

    Args:
        shared: of this image, if it is one for all prompts and they are many.
    """
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
        known = shared if layer.first else None
        tokens = layer.norm2(
            tokens + _token_to_image(layer.cross_attn_token_to_image, tokens + token_pe, cells, position, known)
        )
        tokens = layer.norm3(tokens + layer.mlp(tokens))
        to_tokens = _ImageToToken(layer.cross_attn_image_to_token, tokens + token_pe, tokens, known)
        for i, x in enumerate(cells):
            to_tokens.change(i, x, position, layer.norm4, out=changed[i])
        cells = list(changed)
    attended = _token_to_image(transformer.final_attn_token_to_image, tokens + token_pe, cells, position)
    return transformer.norm_final_attn(tokens + attended), changed


def _token_to_image(
    attention: Attention, queries: Tensor, cells: list[Tensor], position: Tensor, shared: SharedImage | None = None
) -> Tensor:
    """Tokens (n, t, dim) attend to each object's cells; the key's bias moves all scores alike and falls away."""
    if shared is not None:
        return shared.token_to_image(attention, queries)
    heads, count = attention.num_heads, queries.shape[1]
    split = attention.q_proj(queries).unflatten(-1, (heads, -1)) * (attention.q_proj.out_features // heads) ** -0.5
    rows = torch.einsum("nthw,hwd->nhtd", split, attention.k_proj.weight.unflatten(0, (heads, -1))).flatten(1, 2)
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


class _ImageToToken:
    """Cells of the image attend to the tokens: what scores a cell, and what each token adds to it."""

    def __init__(self, attention: Attention, keys: Tensor, values: Tensor, shared: SharedImage | None) -> None:
        heads = attention.num_heads
        self.heads, self.shared = heads, shared
        self.keys = attention.k_proj(keys).unflatten(-1, (heads, -1)) * (attention.k_proj.out_features // heads) ** -0.5
        value = attention.v_proj(values).unflatten(-1, (heads, -1))
        query, bias = attention.q_proj.weight.unflatten(0, (heads, -1)), attention.q_proj.bias.unflatten(0, (heads, -1))
        if shared is None:
            self.rows = torch.einsum("nthw,hwd->nhtd", self.keys, query).flatten(1, 2)
            self.constants = torch.einsum("nthw,hw->nht", self.keys, bias).flatten(1)[..., None]
        adds = torch.einsum("nthw,dhw->nhtd", value, attention.out_proj.weight.unflatten(1, (heads, -1)))
        self.adds = (adds + attention.out_proj.bias / heads).flatten(1, 2)  # each head's shares sum to 1

    def change(self, i: int, x: Tensor, position: Tensor, norm: torch.nn.LayerNorm, *, out: Tensor) -> None:
        """Object i's cells, changed by its tokens and normalised; ``out`` may be ``x``."""
        for start in range(0, len(x), _CELLS):
            block = slice(start, start + _CELLS)
            part = x[block]
            by_token = self._scores(i, part, position, block)
            torch.softmax(by_token, dim=1, out=by_token)
            shares = by_token.flatten(0, 1).T
            total = torch.mm(shares, self.adds[i], out=buffer("keys", *part.shape)).add_(part)
            out[block] = F.layer_norm(total, norm.normalized_shape, norm.weight, norm.bias, norm.eps)

    def _scores(self, i: int, part: Tensor, position: Tensor, block: slice) -> Tensor:
        """Of object i's tokens for some cells, (heads, t, cells)."""
        count = self.keys.shape[1]
        if self.shared is not None:
            out = buffer("scores", self.heads, count, len(part))
            return torch.bmm(self.keys[i].transpose(0, 1), self.shared.queries[..., block], out=out)
        positioned = torch.add(part, position[block], out=buffer("keys", *part.shape))
        scores = torch.mm(self.rows[i], positioned.T, out=buffer("scores", len(self.rows[i]), len(part)))
        return scores.add_(self.constants[i]).view(self.heads, count, len(part))
