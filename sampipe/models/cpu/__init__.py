"""The network on a CPU: the same answers with less memory traffic.

The network's files call these functions and know nothing else of this folder. Each answers ``None`` where the plain
network is what fits: another device, another precision, gradients, or too many tokens.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from sampipe.models.cpu import folded, in_place, upscaled
from sampipe.models.cpu.folded import SharedImage
from sampipe.models.cpu.scratch import is_fast
from sampipe.models.transformer import TwoWayTransformer

__all__ = ["SharedImage", "mask_logits", "share", "two_way", "vit_blocks"]


def vit_blocks(blocks: Iterable[nn.Module], x: Tensor) -> Tensor | None:
    """The tokens (b, h, w, dim) after all blocks of the paper's encoder; ``x`` may be changed."""
    if not is_fast(x):
        return None
    x = x.contiguous()
    for block in blocks:
        in_place.change(block, x)  # type: ignore[arg-type]
    return x


def share(transformer: TwoWayTransformer, image: Tensor, image_pe: Tensor) -> SharedImage | None:
    """What many prompts on one image have in common, for :func:`two_way`; arguments as there."""
    return SharedImage(transformer, image, image_pe) if is_fast(image) else None


def two_way(
    transformer: TwoWayTransformer, tokens: Tensor, image: Tensor, image_pe: Tensor, shared: SharedImage | None
) -> tuple[Tensor, Tensor] | None:
    """What the transformer gives. The image lies in memory that this thread's next call writes to.

    Args:
        transformer: the decoder's.
        tokens: (n, t, dim).
        image: (1 or n, cells, dim), row by row.
        image_pe: (1, cells, dim).
        shared: what :func:`share` gave for this image.
    """
    if not is_fast(tokens) or not folded.is_folding_worthwhile(transformer, tokens):
        return None
    return folded.two_way(transformer, tokens, image, image_pe, shared)


def mask_logits(upscaling: nn.Sequential, cells: Tensor, weights: Tensor, hw: tuple[int, int]) -> Tensor | None:
    """What the paper's upscaling gives, its channels weighted; see :func:`sampipe.models.cpu.upscaled.mask_logits`."""
    return upscaled.mask_logits(upscaling, cells, weights, hw) if is_fast(cells) else None
