"""MobileSAM's image encoder: TinyViT-5M with the neck of Segment Anything.

Wu et al. 2022, "TinyViT: Fast Pretraining Distillation for Small Vision Transformers"; Zhang et al. 2023,
"Faster Segment Anything". Convolutions at stride 4, then three stages of windowed attention, the last two
at stride 16. Parameter names are those of ``mobile_sam.pt``; its classification head is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import Self

from sampipe.models.encoders.base import (
    ConvNorm,
    EncoderConfig,
    ImageEncoder,
    Shapes,
    check_square,
    count_children,
    neck,
)

EXPANSION = 4  # of every MLP and inverted bottleneck in TinyViT


@dataclass(frozen=True, kw_only=True)
class TinyViTConfig(EncoderConfig):
    """MobileSAM's image encoder (TinyViT-5M)."""

    kind: ClassVar[str] = "tiny_vit"
    embed_dims: tuple[int, ...] = (64, 128, 160, 320)
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (2, 4, 5, 10)
    windows: tuple[int, ...] = (7, 7, 14, 7)
    out_channels: int = 256
    image_size: int = 1024

    def build(self) -> TinyViT:
        """See :meth:`EncoderConfig.build`."""
        return TinyViT(self)

    @classmethod
    def from_shapes(cls, shapes: Shapes) -> Self | None:
        """See :meth:`EncoderConfig.from_shapes`; the size of the input is in no tensor: 1024 in MobileSAM."""
        if "image_encoder.patch_embed.seq.0.c.weight" not in shapes:
            return None
        stages = count_children(shapes, "image_encoder.layers.")
        prefixes = [f"image_encoder.layers.{index}.blocks" for index in range(stages)]
        biases = [shapes[f"{prefix}.0.attn.attention_biases"] for prefix in prefixes[1:]]  # (heads, window²)
        return cls(
            embed_dims=(
                shapes[f"{prefixes[0]}.0.conv1.c.weight"][1],
                *(shapes[f"{prefix}.0.attn.norm.weight"][0] for prefix in prefixes[1:]),
            ),
            depths=tuple(count_children(shapes, f"{prefix}.") for prefix in prefixes),
            # the first stage has no attention: its entries only keep the tuples parallel
            num_heads=(cls.num_heads[0], *(heads for heads, _ in biases)),
            windows=(cls.windows[0], *(math.isqrt(offsets) for _, offsets in biases)),
            out_channels=shapes["image_encoder.neck.0.weight"][0],
        )


class PatchEmbed(nn.Module):
    """(b, 3, s, s) to (b, dim, s / 4, s / 4)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(ConvNorm(3, dim // 2, 3, 2), nn.GELU(), ConvNorm(dim // 2, dim, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.seq(x)


class MBConv(nn.Module):
    """Inverted bottleneck: widen, depth-wise 3×3, narrow, add."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden = EXPANSION * dim
        self.conv1 = ConvNorm(dim, hidden)
        self.conv2 = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.conv3 = ConvNorm(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x))))) + x)


class PatchMerging(nn.Module):
    """To the next stage's width, and to half the side when ``stride`` is 2."""

    def __init__(self, dim: int, out_dim: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(dim, out_dim)
        self.conv2 = ConvNorm(out_dim, out_dim, 3, stride, groups=out_dim)
        self.conv3 = ConvNorm(out_dim, out_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class Attention(nn.Module):
    """Attention among the tokens of a window, with a learned bias for each distance (|rows|, |columns|)."""

    bias_index: Tensor

    def __init__(self, dim: int, num_heads: int, window: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.attention_biases = nn.Parameter(torch.zeros(num_heads, window * window))
        place = torch.arange(window * window)
        row, column = place // window, place % window
        index = (row[:, None] - row).abs() * window + (column[:, None] - column).abs()
        self.register_buffer("bias_index", index, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(windows, tokens, dim) to the same shape."""
        # each head's query, key and value lie together, unlike in the paper's ViT
        q, k, v = self.qkv(self.norm(x)).unflatten(-1, (self.num_heads, 3, -1)).permute(3, 0, 2, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=self.attention_biases[:, self.bias_index])
        return self.proj(mixed.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Pre-norm feed-forward layer."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, EXPANSION * dim)
        self.fc2 = nn.Linear(EXPANSION * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyViTBlock(nn.Module):
    """Windowed attention, a depth-wise convolution that joins the windows, MLP; on a (b, dim, h, w) map."""

    def __init__(self, dim: int, num_heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = Attention(dim, num_heads, window)
        self.local_conv = ConvNorm(dim, dim, 3, groups=dim)
        self.mlp = MLP(dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.local_conv(x + self._attend(x))
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def _attend(self, x: Tensor) -> Tensor:
        """Attention in windows; a side they do not divide is padded with zero tokens, which take part."""
        batch, dim, height, width = x.shape
        side = self.window
        x = F.pad(x, (0, -width % side, 0, -height % side))
        down, right = x.shape[2] // side, x.shape[3] // side
        windows = x.view(batch, dim, down, side, right, side).permute(0, 2, 4, 3, 5, 1)
        mixed = self.attn(windows.reshape(batch * down * right, side * side, dim))
        grid = mixed.view(batch, down, right, side, side, dim).permute(0, 5, 1, 3, 2, 4)
        return grid.reshape(batch, dim, down * side, right * side)[..., :height, :width]


class Stage(nn.Module):
    """Blocks of one width, then the step to the next."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.downsample(x)


def _stage(config: TinyViTConfig, index: int) -> Stage:
    dim, depth = config.embed_dims[index], config.depths[index]
    last = len(config.embed_dims) - 1
    if index == 0:
        blocks: list[nn.Module] = [MBConv(dim) for _ in range(depth)]
    else:
        blocks = [TinyViTBlock(dim, config.num_heads[index], config.windows[index]) for _ in range(depth)]
    if index == last:
        return Stage(blocks, nn.Identity())
    stride = 1 if index + 1 == last else 2
    return Stage(blocks, PatchMerging(dim, config.embed_dims[index + 1], stride))


class TinyViT(ImageEncoder):
    """See :class:`ImageEncoder`."""

    before_blocks = ("patch_embed",)

    def __init__(self, config: TinyViTConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config.embed_dims[0])
        self.layers = nn.ModuleList(_stage(config, index) for index in range(len(config.embed_dims)))
        self.neck = neck(config.embed_dims[-1], config.out_channels)

    def block_names(self) -> list[str]:
        depths = enumerate(self.config.depths)
        return [f"layers.{stage}.blocks.{index}" for stage, depth in depths for index in range(depth)]

    def forward(self, x: Tensor) -> Tensor:
        check_square(x, self.config.image_size)
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        return self.neck(x)
