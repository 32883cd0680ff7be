"""Which model a set of tensors belongs to: read off their names and shapes, never off the file's name."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sampipe.errors import CheckpointError
from sampipe.models.checkpoints import CONFIG_KEY, Checkpoint
from sampipe.models.config import (
    ImageEncoderConfig,
    MaskDecoderConfig,
    PromptEncoderConfig,
    SamConfig,
    TinyViTConfig,
    ViTConfig,
)

_VIT = "image_encoder.patch_embed.proj.weight"
_TINY_VIT = "image_encoder.patch_embed.seq.0.c.weight"
_LARGEST_FIELD = 1 << 16


def infer_config(checkpoint: Checkpoint) -> SamConfig:
    """The configuration of a checkpoint in official names.

    Our own files say it in their metadata. Of official ones everything is in the tensors but the decoder's
    number of heads, which is 8 in every published model, and the input size of MobileSAM, which is 1024.

    Raises:
        CheckpointError: tensors of another kind of model, or some missing.
    """
    if CONFIG_KEY in checkpoint.metadata:
        return _stored_config(checkpoint)
    shapes = {name: tuple(value.shape) for name, value in checkpoint.tensors.items()}
    try:
        encoder, stride = _encoder(shapes)
        return SamConfig(
            image_encoder=encoder,
            prompt_encoder=PromptEncoderConfig(
                mask_channels=shapes["prompt_encoder.mask_downscaling.3.weight"][0],
            ),
            mask_decoder=MaskDecoderConfig(
                depth=_count(shapes, "mask_decoder.transformer.layers."),
                mlp_dim=shapes["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0],
                ambiguous_masks=shapes["mask_decoder.mask_tokens.weight"][0] - 1,
                iou_head_depth=_count(shapes, "mask_decoder.iou_prediction_head.layers."),
                iou_head_dim=shapes["mask_decoder.iou_prediction_head.layers.0.weight"][0],
            ),
            stride=stride,
        )
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        names = ", ".join(list(shapes)[:3])
        raise CheckpointError(
            f"{checkpoint.path}: not a Segment Anything checkpoint known here ({error}; "
            f"the file has {len(shapes)} tensors: {names}, …). Known layouts: the official sam_vit_*.pth, "
            "facebook/sam-vit-*, MobileSAM and files written by sampipe."
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


def _count(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    """How many numbered children a module list has; their numbers must run from 0."""
    numbers = {name[len(prefix) :].partition(".")[0] for name in shapes if name.startswith(prefix)}
    if numbers != {str(number) for number in range(len(numbers))} or not numbers:
        raise ValueError(f"{prefix}* is not numbered from 0")
    return len(numbers)


def _encoder(shapes: Mapping[str, tuple[int, ...]]) -> tuple[ImageEncoderConfig, int]:
    if _TINY_VIT in shapes:
        return _tiny_vit(shapes), 16
    vit = _vit(shapes)
    return vit, vit.patch


def _vit(shapes: Mapping[str, tuple[int, ...]]) -> ViTConfig:
    dim, _, _, patch = shapes[_VIT]
    grid = shapes["image_encoder.pos_embed"][1]
    depth = _count(shapes, "image_encoder.blocks.")
    tables = [shapes[f"image_encoder.blocks.{index}.attn.rel_pos_h"] for index in range(depth)]
    sides = [(length + 1) // 2 for length, _ in tables]  # a window of s cells has offsets -(s - 1) to s - 1
    windows = {side for side in sides if side != grid}
    if len(windows) > 1:
        raise ValueError(f"windows of {sorted(windows)} cells on a grid of {grid}")
    return ViTConfig(
        embed_dim=dim,
        depth=depth,
        num_heads=dim // tables[0][1],
        global_blocks=tuple(index for index, side in enumerate(sides) if side == grid),
        window=windows.pop() if windows else ViTConfig.window,
        patch=patch,
        out_channels=shapes["image_encoder.neck.0.weight"][0],
        image_size=grid * patch,
        mlp_ratio=shapes["image_encoder.blocks.0.mlp.lin1.weight"][0] / dim,
    )


def _tiny_vit(shapes: Mapping[str, tuple[int, ...]]) -> TinyViTConfig:
    stages = _count(shapes, "image_encoder.layers.")
    prefixes = [f"image_encoder.layers.{index}.blocks" for index in range(stages)]
    biases = [shapes[f"{prefix}.0.attn.attention_biases"] for prefix in prefixes[1:]]  # (heads, window²)
    return TinyViTConfig(
        embed_dims=(
            shapes[f"{prefixes[0]}.0.conv1.c.weight"][1],
            *(shapes[f"{prefix}.0.attn.norm.weight"][0] for prefix in prefixes[1:]),
        ),
        depths=tuple(_count(shapes, f"{prefix}.") for prefix in prefixes),
        # the first stage has no attention: its entries only keep the tuples parallel
        num_heads=(TinyViTConfig.num_heads[0], *(heads for heads, _ in biases)),
        windows=(TinyViTConfig.windows[0], *(math.isqrt(offsets) for _, offsets in biases)),
        out_channels=shapes["image_encoder.neck.0.weight"][0],
    )
