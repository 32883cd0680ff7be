"""nano's image encoder: EfficientNet-Lite with a feature pyramid.

EfficientNet-Lite (Tan and Le 2019; the Lite variants of 2020 have ReLU6 and no squeeze-and-excitation) brings what
ImageNet teaches. A few attention layers at stride 32 see the whole image, and a pyramid (Lin et al. 2017) carries that
to stride 16, the image embedding, and to strides 8 and 4, the finer maps that sharpen the decoder's upscaling (as in
SAM 2 and HQ-SAM). The backbone's own maps come last, for heads that ask what things are (detector, words).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.encoders.base import EncoderConfig, ImageEncoder
from sampipe.models.layers import LayerNorm2d, MLPBlock

_STEM = 32
_KERNELS = (3, 3, 5, 3, 5, 5, 3)
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_EXPANSIONS = (1, 6, 6, 6, 6, 6, 6)
TAPS = (1, 2, 4, 6)  # stages whose output is the last at strides 4, 8, 16 and 32


@dataclass(frozen=True, kw_only=True)
class EfficientNetLiteConfig(EncoderConfig):
    """nano's encoder: EfficientNet-Lite (the defaults are Lite2) with attention at stride 32 and a feature pyramid."""

    kind: ClassVar[str] = "efficientnet_lite"
    widths: tuple[int, ...] = (16, 24, 48, 88, 120, 208, 352)
    depths: tuple[int, ...] = (1, 3, 3, 4, 4, 5, 1)
    context_channels: int = 192
    attention_layers: int = 2
    attention_heads: int = 6
    out_channels: int = 128
    fine_channels: tuple[int, int] = (32, 16)
    image_size: int = 512

    @property
    def backbone_channels(self) -> tuple[int, ...]:
        """See :attr:`EncoderConfig.backbone_channels`."""
        return tuple(self.widths[stage] for stage in TAPS[1:])

    @property
    def size_step(self) -> int:
        """The stride of the last stage."""
        return 32

    def build(self) -> EfficientNetLite:
        """See :meth:`EncoderConfig.build`."""
        return EfficientNetLite(self)


class SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow's ``SAME`` does for even sides: the odd pixel right and below."""

    def __init__(self, in_channels: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(in_channels, channels, kernel, stride=stride, padding=padding, groups=groups)
        before = (kernel - stride) // 2
        self._around = (before, kernel - stride - before) * 2 if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self._around) if self._around else x)


class InvertedResidual(nn.Module):
    """Widen, look around in each channel, narrow (MobileNetV2: Sandler et al. 2018)."""

    def __init__(self, in_channels: int, channels: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        self.expand = SameConv(in_channels, inner, 1) if expansion > 1 else None
        self.depthwise = SameConv(inner, inner, kernel, stride=stride, groups=inner)
        self.project = SameConv(inner, channels, 1)
        self.adds = stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.adds else y


class Backbone(nn.Module):
    """(b, 3, s, s) to maps at strides 4, 8, 16 and 32. Its batch norms are part of the convolutions."""

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__()
        self.stem = SameConv(3, _STEM, 3, stride=2)
        stages, channels = [], _STEM
        shapes = zip(config.widths, config.depths, _KERNELS, _STRIDES, _EXPANSIONS, strict=True)
        for width, depth, kernel, stride, expansion in shapes:
            blocks = []
            for index in range(depth):
                step = stride if index == 0 else 1
                blocks.append(InvertedResidual(channels, width, kernel=kernel, stride=step, expansion=expansion))
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def shallow(self) -> list[nn.Module]:
        """The modules down to stride 8: most of the arithmetic, a tenth of the weights."""
        return [self.stem, *self.stages[: TAPS[1] + 1]]

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem(x.contiguous(memory_format=torch.channels_last)), inplace=True)
        maps = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in TAPS:
                maps.append(x)
        return maps


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


class _Merge(nn.Module):
    """A residual block that ends linearly: a ReLU before a norm can die and take the whole image with it."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(dim, dim, 3, padding=1)
        self.second = nn.Conv2d(dim, dim, 3, padding=1)
        nn.init.zeros_(self.second.weight)  # the block starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x), inplace=True))


class EfficientNetLite(ImageEncoder):
    """(b, 3, s, s) normalised pixels to an embedding (b, dim, s/16, s/16) and two finer maps at strides 8 and 4."""

    before_blocks = ("backbone.stem.",)

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        quarter, eighth, sixteenth, deepest = (config.widths[stage] for stage in TAPS)
        dim, context = config.out_channels, config.context_channels
        half, fine = config.fine_channels
        self.enter = _lateral(deepest, context)
        self.context = nn.Sequential(
            *[_AttentionBlock(context, config.attention_heads) for _ in range(config.attention_layers)]
        )
        self.from_32, self.at_16 = nn.Conv2d(context, dim, 1), _lateral(sixteenth, dim)
        self.merge_16 = _Merge(dim)
        self.neck = LayerNorm2d(dim)
        self.from_16, self.at_8 = nn.Conv2d(dim, dim // 2, 1), _lateral(eighth, dim // 2)
        self.merge_8 = _Merge(dim // 2)
        self.from_8, self.at_4 = nn.Conv2d(dim // 2, dim // 4, 1), _lateral(quarter, dim // 4)
        self.merge_4 = _Merge(dim // 4)
        self.fine_half, self.fine_quarter = nn.Conv2d(dim // 2, half, 1), nn.Conv2d(dim // 4, fine, 1)
        for layer in (self.fine_half, self.fine_quarter):  # at first, the prompts alone shape the masks
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def block_names(self) -> list[str]:
        depths = enumerate(self.config.depths)
        return [f"backbone.stages.{stage}.{index}" for stage, depth in depths for index in range(depth)]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.pyramid(self.backbone(x))

    def with_backbone(self, x: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """What :meth:`forward` gives, and the backbone's maps at strides 8, 16 and 32."""
        maps = self.backbone(x)
        return self.pyramid(maps), (maps[1], maps[2], maps[3])

    def pyramid(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Embedding and finer maps from the backbone's four maps."""
        quarter, eighth, sixteenth, deepest = maps
        coarse = self.from_32(self.context(self.enter(deepest)))
        embedding = self.merge_16(_double(coarse) + self.at_16(sixteenth))
        at_8 = self.merge_8(_double(self.from_16(embedding)) + self.at_8(eighth))
        at_4 = self.merge_4(_double(self.from_8(at_8)) + self.at_4(quarter))
        return self.neck(embedding), self.fine_half(at_8), self.fine_quarter(at_4)


def _lateral(in_channels: int, channels: int) -> nn.Module:
    return nn.Sequential(LayerNorm2d(in_channels), nn.Conv2d(in_channels, channels, 1))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
