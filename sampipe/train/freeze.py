"""Parts of a network that are not trained."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from sampipe.errors import DataError
from sampipe.models.encoders.efficientnet_lite import EfficientNetLite
from sampipe.models.sam import Sam

PARTS = {"encoder": "image_encoder", "prompt_encoder": "prompt_encoder", "decoder": "mask_decoder"}
BACKBONE = "backbone"  # what nano's encoder has from ImageNet; its pyramid is trained
SHALLOW = "shallow"  # the backbone down to stride 8, where most of its time goes; what is deeper is trained


def freeze(sam: Sam, parts: Sequence[str]) -> None:
    """Take the gradients from ``parts``, names of :data:`PARTS`, "backbone" or "shallow"; all others learn.

    Raises:
        DataError: an unknown part, or none is left to train.
    """
    unknown = [part for part in parts if part not in PARTS and not _backbone(sam, part)]
    if unknown:
        wanted = f"{', '.join(PARTS)}, or nano's {BACKBONE} or {SHALLOW}"
        raise DataError(f"freeze: got {unknown[0]!r}, wanted some of {wanted}.")
    if set(parts) >= set(PARTS):
        raise DataError(f"freeze: {', '.join(PARTS)} is the whole model; leave one of them to train.")
    for part, name in PARTS.items():
        getattr(sam, name).requires_grad_(part not in parts)
    for part in parts:
        for module in _backbone(sam, part):
            module.requires_grad_(False)


def frozen_modules(sam: Sam) -> list[nn.Module]:
    """The parts of which no parameter is trained."""
    parts = [getattr(sam, name) for name in PARTS.values()] + _backbone(sam, BACKBONE) + _backbone(sam, SHALLOW)
    return [part for part in parts if not any(parameter.requires_grad for parameter in part.parameters())]


def _backbone(sam: Sam, part: str) -> list[nn.Module]:
    encoder = sam.image_encoder
    if not isinstance(encoder, EfficientNetLite) or part not in (BACKBONE, SHALLOW):
        return []
    return [encoder.backbone] if part == BACKBONE else encoder.backbone.shallow()
