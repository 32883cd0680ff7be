"""Parts of a network that are not trained."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from sampipe.errors import DataError
from sampipe.models.sam import Sam

PARTS = {"encoder": "image_encoder", "prompt_encoder": "prompt_encoder", "decoder": "mask_decoder"}


def freeze(sam: Sam, parts: Sequence[str]) -> None:
    """Take the gradients from ``parts``, names of :data:`PARTS`, and give them to all others.

    Raises:
        DataError: an unknown part, or none is left to train.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise DataError(f"freeze: got {unknown[0]!r}, wanted some of {', '.join(PARTS)}.")
    if set(parts) == set(PARTS):
        raise DataError(f"freeze: {', '.join(PARTS)} is the whole model; leave one of them to train.")
    for part, name in PARTS.items():
        getattr(sam, name).requires_grad_(part not in parts)


def frozen_modules(sam: Sam) -> list[nn.Module]:
    """The parts of which no parameter is trained."""
    parts = [getattr(sam, name) for name in PARTS.values()]
    return [part for part in parts if not any(parameter.requires_grad for parameter in part.parameters())]
