"""Shapes of models that can be trained from nothing, by name."""

from __future__ import annotations

from sampipe.errors import CheckpointError
from sampipe.models.config import EverythingDefaults, MaskDecoderConfig, PromptEncoderConfig, SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig, TinyViTConfig, ViTConfig

PRESETS = {
    "nano": SamConfig(
        pixel_mean=(127.0, 127.0, 127.0),  # as the ImageNet weights of its encoder expect
        pixel_std=(128.0, 128.0, 128.0),
        image_encoder=EfficientNetLiteConfig(),
        prompt_encoder=PromptEncoderConfig(draw=True),
        mask_decoder=MaskDecoderConfig(mlp_dim=512, iou_head_dim=128, mixing_blocks=2, fine_features=True),
        everything=EverythingDefaults(
            points_per_side=16,
            pred_iou=0.4,
            stability=0.8,
            box_nms=0.7,
            min_region_area=300,
            max_likeness=0.2,
            detection=0.1,
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
