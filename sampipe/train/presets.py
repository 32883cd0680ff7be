"""Shapes of models that can be trained from nothing, by name."""

from __future__ import annotations

from sampipe.errors import CheckpointError
from sampipe.models.config import (
    EverythingDefaults,
    MaskDecoderConfig,
    NanoConfig,
    PromptEncoderConfig,
    SamConfig,
    TinyViTConfig,
    ViTConfig,
)

PRESETS = {
    "nano": SamConfig(
        image_encoder=NanoConfig(),
        prompt_encoder=PromptEncoderConfig(draw=True),
        mask_decoder=MaskDecoderConfig(mlp_dim=512, iou_head_dim=128, mixing_blocks=3, fine_features=True),
        everything=EverythingDefaults(
            points_per_side=16, pred_iou=0.52, stability=0.9, box_nms=0.5, min_region_area=300
        ),
    ),
    "mobile_sam": SamConfig(image_encoder=TinyViTConfig()),
    "vit_b": SamConfig(image_encoder=ViTConfig()),
    "vit_l": SamConfig(image_encoder=ViTConfig(embed_dim=1024, depth=24, num_heads=16, global_blocks=(5, 11, 17, 23))),
    "vit_h": SamConfig(image_encoder=ViTConfig(embed_dim=1280, depth=32, num_heads=16, global_blocks=(7, 15, 23, 31))),
}


def preset(name: str) -> SamConfig:
    """The shape called ``name``.

    Raises:
        CheckpointError: there is none; the message lists them.
    """
    if name not in PRESETS:
        raise CheckpointError(f"No model shape is called {name!r}. Known: {', '.join(PRESETS)}.")
    return PRESETS[name]
