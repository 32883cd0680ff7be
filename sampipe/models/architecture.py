"""Which model a set of tensors belongs to: read off their names and shapes, never off the file's name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sampipe.errors import CheckpointError
from sampipe.models.config import MaskDecoderConfig, PromptEncoderConfig, SamConfig
from sampipe.models.encoders import ENCODERS
from sampipe.models.encoders.base import count_children
from sampipe.models.weights.checkpoints import CONFIG_KEY, Checkpoint

_LARGEST_FIELD = 1 << 16


def infer_config(checkpoint: Checkpoint) -> SamConfig:
    """The configuration of a checkpoint in official names.

    Our own files say it in their metadata. Of official ones everything is in the tensors but the decoder's
    number of heads, which is 8 in every published model, and the input size of MobileSAM and EdgeSAM, which is 1024.

    Raises:
        CheckpointError: tensors of another kind of model, or some missing.
    """
    if CONFIG_KEY in checkpoint.metadata:
        return _stored_config(checkpoint)
    shapes = {name: tuple(value.shape) for name, value in checkpoint.tensors.items()}
    try:
        found = (encoder.from_shapes(shapes) for encoder in ENCODERS)
        encoder = next((config for config in found if config is not None), None)
        if encoder is None:
            raise ValueError("no image encoder known here")
        return SamConfig(
            image_encoder=encoder,
            prompt_encoder=PromptEncoderConfig(
                mask_channels=shapes["prompt_encoder.mask_downscaling.3.weight"][0],
            ),
            mask_decoder=MaskDecoderConfig(
                depth=count_children(shapes, "mask_decoder.transformer.layers."),
                mlp_dim=shapes["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0],
                ambiguous_masks=shapes["mask_decoder.mask_tokens.weight"][0] - 1,
                iou_head_depth=count_children(shapes, "mask_decoder.iou_prediction_head.layers."),
                iou_head_dim=shapes["mask_decoder.iou_prediction_head.layers.0.weight"][0],
            ),
            stride=encoder.stride,
        )
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        names = ", ".join(list(shapes)[:3])
        raise CheckpointError(
            f"{checkpoint.path}: not a Segment Anything checkpoint known here ({error}; "
            f"the file has {len(shapes)} tensors: {names}, …). Known layouts: the official sam_vit_*.pth, "
            "facebook/sam-vit-*, MobileSAM, EdgeSAM and files written by sampipe."
        ) from error


def _stored_config(checkpoint: Checkpoint) -> SamConfig:
    try:
        data = json.loads(checkpoint.metadata[CONFIG_KEY])
        if not isinstance(data, Mapping):
            raise ValueError("not a mapping")
        _check_sizes(data, most_blocks=len(checkpoint.tensors))
        return SamConfig.from_dict(data)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{checkpoint.path}: its stored configuration cannot be read ({error}).") from error


def _check_sizes(value: Any, *, most_blocks: int, field: str = "") -> None:
    """Refuse numbers that would build something enormous before any tensor could contradict them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check_sizes(inner, most_blocks=most_blocks, field=str(name))
    elif isinstance(value, list):
        for inner in value:
            _check_sizes(inner, most_blocks=most_blocks, field=field)
    elif isinstance(value, int | float):
        limit = most_blocks if "depth" in field or "layers" in field else _LARGEST_FIELD
        if not 0 <= value <= limit:
            raise ValueError(f"{field} = {value!r}, wanted 0 to {limit}")
