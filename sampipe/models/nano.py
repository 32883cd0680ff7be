"""The image encoder of the embedded model: what a small budget and little data ask for.

Residual convolutions (ResNet's basic block, He et al. 2015) need far fewer photos than a plain ViT to become useful and
run near the machine's peak on a CPU. A few attention layers at stride 32 see the whole picture, and a feature pyramid
(Lin et al. 2017) carries that back to stride 16, the image embedding, and to strides 8 and 4, the finer maps that
sharpen the decoder's upscaling (as in SAM 2 and HQ-SAM).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.config import NanoConfig
from sampipe.models.layers import LayerNorm2d, MLPBlock


class _ResidualBlock(nn.Module):
    def __init__(self, in_channels: int, channels: int, stride: int, *, linear: bool = False) -> None:
        super().__init__()
        self.linear = linear  # where a norm follows: a ReLU there can die and take the whole picture with it
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        changes = stride != 1 or in_channels != channels
        self.shortcut = (
            nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity(),
                nn.Conv2d(in_channels, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
            )
            if changes
            else nn.Identity()
        )
        nn.init.zeros_(self.norm2.weight)  # a block starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        total = self.norm2(self.conv2(y)) + self.shortcut(x)
        return total if self.linear else F.relu(total, inplace=True)


class _AttentionBlock(nn.Module):
    """Pre-norm self-attention over all cells, with a depth-wise convolution that tells them where they are."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.position = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.norm1 = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLPBlock(dim, 2 * dim, nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        cells = (x + self.position(x)).flatten(2).transpose(1, 2)
        qkv = self.qkv(self.norm1(cells)).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]).transpose(1, 2).flatten(2)
        cells = cells + self.proj(mixed)
        cells = cells + self.mlp(self.norm2(cells))
        return cells.transpose(1, 2).unflatten(2, (height, width))


class NanoEncoder(nn.Module):
    """(b, 3, s, s) normalised pixels to an embedding (b, dim, s/16, s/16) and two finer maps at strides 8 and 4."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        first = config.widths[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, first // 2, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(first // 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(first // 2, first, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        )
        stages, channels = [], first
        for index, (width, depth) in enumerate(zip(config.widths, config.depths, strict=True)):
            strides = [1 if index == 0 else 2, *[1] * (depth - 1)]
            blocks = [_ResidualBlock(width if i else channels, width, s) for i, s in enumerate(strides)]
            stages.append(nn.Sequential(*blocks))
            channels = width
        self.stages = nn.ModuleList(stages)
        self.context = nn.Sequential(
            *[_AttentionBlock(channels, config.attention_heads) for _ in range(config.attention_layers)]
        )
        dim = config.out_channels
        self.lateral = nn.ModuleList(nn.Conv2d(width, dim, 1) for width in config.widths[1:])
        self.merge = nn.ModuleList(_ResidualBlock(dim, dim, 1, linear=True) for _ in range(2))
        self.neck = LayerNorm2d(dim)
        half, quarter = config.fine_channels
        self.fine_half = nn.Conv2d(dim, half, 3, padding=1)
        self.fine_quarter = nn.Conv2d(config.widths[0] + half, quarter, 3, padding=1)
        for layer in (self.fine_half, self.fine_quarter):  # at first, the prompts alone shape the masks
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        quarter = self.stages[0](x)
        eighth = self.stages[1](quarter)
        sixteenth = self.stages[2](eighth)
        coarse = self.lateral[2](self.context(self.stages[3](sixteenth)))
        embedding = self.merge[1](_double(coarse, sixteenth) + self.lateral[1](sixteenth))
        fine_half = self.fine_half(self.merge[0](_double(embedding, eighth) + self.lateral[0](eighth)))
        fine_quarter = self.fine_quarter(torch.cat([quarter, _double(fine_half, quarter)], dim=1))
        return self.neck(embedding), fine_half, fine_quarter


def _double(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
