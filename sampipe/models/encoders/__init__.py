"""Image encoders: one file each, with its configuration, its network and how its tensors are recognised.

A new one is such a file, and its configuration in :data:`ENCODERS`.
"""

from __future__ import annotations

from sampipe.models.encoders.base import EncoderConfig, ImageEncoder
from sampipe.models.encoders.efficientnet_lite import EfficientNetLiteConfig
from sampipe.models.encoders.rep_vit import RepViTConfig
from sampipe.models.encoders.tiny_vit import TinyViTConfig
from sampipe.models.encoders.vit import ViTConfig

ENCODERS: tuple[type[EncoderConfig], ...] = (ViTConfig, TinyViTConfig, RepViTConfig, EfficientNetLiteConfig)

__all__ = [
    "ENCODERS",
    "EfficientNetLiteConfig",
    "EncoderConfig",
    "ImageEncoder",
    "RepViTConfig",
    "TinyViTConfig",
    "ViTConfig",
]
