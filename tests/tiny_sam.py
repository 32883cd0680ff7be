"""A model small enough for tests of what stands on models."""

from __future__ import annotations

from pathlib import Path


def write_tiny_model(folder: Path) -> Path:
    """A checkpoint with random weights; it finds all it says good enough, so that there are masks to save."""
    import torch

    from sampipe.models import Sam, SamConfig
    from sampipe.models.config import EverythingDefaults, MaskDecoderConfig
    from sampipe.models.encoders import EfficientNetLiteConfig
    from sampipe.models.weights.checkpoints import save_checkpoint

    encoder = EfficientNetLiteConfig(
        widths=(8, 8, 8, 8, 16, 16, 16),
        depths=(1, 1, 1, 1, 1, 1, 1),
        context_channels=16,
        attention_layers=1,
        attention_heads=2,
        out_channels=16,
        fine_channels=(8, 8),
        image_size=128,
    )
    config = SamConfig(
        image_encoder=encoder,
        mask_decoder=MaskDecoderConfig(num_heads=2, mlp_dim=32, iou_head_dim=16),
        everything=EverythingDefaults(points_per_side=3, pred_iou=0, stability=0, min_region_area=0),
    )
    torch.manual_seed(0)
    weights = Sam(config).state_dict()
    weights["mask_decoder.iou_prediction_head.layers.2.bias"] += 0.8
    path = folder / "tiny.safetensors"
    save_checkpoint(weights, config, path, dtype=torch.float32)
    return path
