"""What open_clip's image tower does not offer: attention inside a mask, and a vector for each place.

Both walk through the blocks of a plain vision transformer. Its weights and names are open_clip's; the walk is ours.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

import sampipe as sp

DENSE_SCALE = 1.5  # places are looked at on an image larger than the tower was trained on
DENSE_BLOCKS = 6  # last blocks whose values attend to values (CLIP Surgery: Li et al. 2023)


def patch_size(visual: Any) -> int:
    """Side of a patch in pixels.

    Raises:
        DataError: not a plain vision transformer.
    """
    _check(visual)
    return int(visual.patch_size[0])


def masked(visual: Any, pixels: Tensor, inside: Tensor) -> Tensor:
    """The image's vector (n, d) when, in the last block, the output token attends to some patches alone.

    (Segment Anything, appendix D.5.)

    Args:
        visual: the image tower.
        pixels: (n, 3, s, s), normalised.
        inside: bool (n, patches), at least one True each.
    """
    _check(visual)
    tokens = _before_blocks(visual, pixels)
    *earlier, last = visual.transformer.resblocks
    for block in earlier:
        tokens = _block(block, tokens)
    allowed = torch.cat([torch.ones_like(inside[:, :1]), inside], dim=1)  # itself, too
    out = _block(last, tokens, allowed=allowed)
    return visual.ln_post(out[:, 0]) @ visual.proj


def dense(visual: Any, pixels: Tensor) -> Tensor:
    """A vector for each patch, (n, d, side, side).

    The tower's own last layers gather the whole image in every token. Here, beside the tower's own path, a second one
    begins at the input of the last few blocks and adds to it what those blocks' values give when they attend to
    values that resemble them, without the MLPs, which would mix the image in again (MaskCLIP, Zhou et al. 2022; CLIP
    Surgery, Li et al. 2023).

    Args:
        visual: the image tower.
        pixels: (n, 3, s, s), normalised; s a multiple of the patch.
    """
    _check(visual)
    tokens = _before_blocks(visual, pixels)
    blocks = list(visual.transformer.resblocks)
    start = max(len(blocks) - DENSE_BLOCKS, len(blocks) // 2)
    local = tokens
    for index, block in enumerate(blocks):
        if index == start:
            local = tokens
        if index >= start:
            local = local + _values_among_themselves(block, block.ln_1(tokens))
        tokens = _block(block, tokens)
    found = visual.ln_post(local[:, 1:]) @ visual.proj
    side = math.isqrt(found.shape[1])
    return found.transpose(1, 2).unflatten(2, (side, side))


def _check(visual: Any) -> None:
    wanted = ("conv1", "transformer", "ln_post", "proj", "class_embedding", "positional_embedding")
    plain = all(hasattr(visual, name) for name in wanted) and hasattr(visual.transformer, "resblocks")
    if not plain or visual.proj is None or visual.pool_type != "tok" or visual.attn_pool is not None:
        raise sp.DataError(
            f"clip: the image tower is a {type(visual).__name__} without a class token and plain blocks; masked "
            "attention and vectors of places need a plain ViT such as ViT-B-32/openai or ViT-B-16/openai."
        )


def _before_blocks(visual: Any, pixels: Tensor) -> Tensor:
    """Tokens (n, 1 + patches, width), the position embedding resized to the image's grid."""
    found = visual.conv1(pixels.to(visual.conv1.weight.dtype))
    grid = found.shape[-2:]
    cells = found.flatten(2).transpose(1, 2)
    first = visual.class_embedding.to(cells.dtype).expand(len(cells), 1, -1)
    positions = visual.positional_embedding.to(cells.dtype)
    if tuple(grid) != tuple(visual.grid_size):
        old = positions[1:].T.unflatten(1, visual.grid_size)[None]
        resized = F.interpolate(old.float(), size=grid, mode="bicubic", align_corners=False)[0].flatten(1).T
        positions = torch.cat([positions[:1], resized.to(positions.dtype)])
    return visual.ln_pre(torch.cat([first, cells], dim=1) + positions)


def _block(block: Any, tokens: Tensor, allowed: Tensor | None = None) -> Tensor:
    """A residual attention block on (n, t, width); of ``allowed`` (n, t) tokens the first one attends to these."""
    q, k, v = _heads(block.attn, block.ln_1(tokens))
    mask = None
    if allowed is not None:
        mask = torch.ones(len(tokens), 1, tokens.shape[1], tokens.shape[1], dtype=torch.bool, device=tokens.device)
        mask[:, 0, 0] = allowed
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
    tokens = tokens + block.ls_1(block.attn.out_proj(mixed))
    return tokens + block.ls_2(block.mlp(block.ln_2(tokens)))


def _values_among_themselves(block: Any, normed: Tensor) -> Tensor:
    _, _, v = _heads(block.attn, normed)
    mixed = F.scaled_dot_product_attention(v, v, v).transpose(1, 2).flatten(2)
    return block.ls_1(block.attn.out_proj(mixed))


def _heads(attention: Any, normed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, (n, heads, t, width / heads) each."""
    stacked = F.linear(normed, attention.in_proj_weight, attention.in_proj_bias)
    q, k, v = stacked.unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    return q, k, v
