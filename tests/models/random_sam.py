"""Small models with random weights in every place, and files of them."""

from __future__ import annotations

import torch
from torch import nn

from sampipe.models.config import MaskDecoderConfig, SamConfig
from sampipe.models.encoders import RepViTConfig, TinyViTConfig, ViTConfig
from sampipe.models.sam import Sam

SMALL_DECODER = MaskDecoderConfig(mlp_dim=96, iou_head_dim=48)
SMALL_VIT = SamConfig(
    # a grid of 20 cells: windows of 14 do not divide it, so padding is part of every comparison
    image_encoder=ViTConfig(embed_dim=48, depth=4, num_heads=3, global_blocks=(1, 3), out_channels=64, image_size=320),
    mask_decoder=SMALL_DECODER,
)
SMALL_TINY_VIT = SamConfig(
    # the last width says that the last step keeps its stride, and the neck is 256 wide in the reference
    image_encoder=TinyViTConfig(
        embed_dims=(16, 32, 48, 320), depths=(1, 1, 2, 1), num_heads=(1, 2, 3, 5), image_size=320
    ),
    mask_decoder=SMALL_DECODER,
)
SMALL_REP_VIT = SamConfig(
    image_encoder=RepViTConfig(widths=(16, 24, 32, 48), depths=(1, 3, 4, 2), out_channels=64, image_size=320),
    mask_decoder=SMALL_DECODER,
)


def random_sam(config: SamConfig, seed: int = 0) -> Sam:
    """A network none of whose parameters is at a value that hides mistakes, such as 0 or 1."""
    torch.manual_seed(seed)
    sam = Sam(config).eval()
    with torch.no_grad():
        for name, value in sam.named_parameters():
            if any(part in name for part in ("rel_pos", "pos_embed", "attention_biases")):
                value.normal_(std=0.3)
        for module in sam.modules():
            if isinstance(module, nn.LayerNorm | nn.BatchNorm2d) or type(module).__name__ == "LayerNorm2d":
                module.weight.normal_(1.0, 0.2)
                module.bias.normal_(0.0, 0.2)
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 2.0)
    return sam
