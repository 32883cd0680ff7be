"""EdgeSAM's image encoder: RepViT-M1, its last two stages added, with the neck of Segment Anything.

Wang et al. 2024, "RepViT: Revisiting Mobile CNN From ViT Perspective"; Zhou et al. 2023, "EdgeSAM: Prompt-In-the-Loop
Distillation for On-Device Deployment of SAM", section 3. Convolutions only. Parameter names are those of
``edge_sam.pth``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

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

EXPANSION = 2  # of every feed-forward part
_SQUEEZE, _DIVISOR = 4, 8  # a squeezed width is about a quarter, and a multiple of 8


@dataclass(frozen=True, kw_only=True)
class RepViTConfig(EncoderConfig):
    """EdgeSAM's image encoder (RepViT-M1)."""

    kind: ClassVar[str] = "rep_vit"
    widths: tuple[int, ...] = (48, 96, 192, 384)
    depths: tuple[int, ...] = (3, 4, 16, 3)  # the first block of every stage but the first halves the side
    out_channels: int = 256
    image_size: int = 1024

    def build(self) -> RepViT:
        """See :meth:`EncoderConfig.build`."""
        return RepViT(self)

    @classmethod
    def from_shapes(cls, shapes: Shapes) -> Self | None:
        """See :meth:`EncoderConfig.from_shapes`; the size of the input is in no tensor: 1024 in EdgeSAM."""
        if "image_encoder.features.0.0.c.weight" not in shapes:
            return None
        blocks = range(1, count_children(shapes, "image_encoder.features."))
        widths = [shapes[f"image_encoder.features.{index}.channel_mixer.m.2.c.weight"][0] for index in blocks]
        stages = [(width, len(list(same))) for width, same in groupby(widths)]
        return cls(
            widths=tuple(width for width, _ in stages),
            depths=tuple(depth for _, depth in stages),
            out_channels=shapes["image_encoder.neck.0.weight"][0],
        )


class SqueezeExcite(nn.Module):
    """Each channel scaled by what all of them are on average (Hu et al. 2018)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        squeezed = max(_DIVISOR, (dim // _SQUEEZE + _DIVISOR // 2) // _DIVISOR * _DIVISOR)
        self.fc1 = nn.Conv2d(dim, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        return x * self.fc2(F.relu(self.fc1(mean))).sigmoid()


class ThreeWays(nn.Module):
    """A depth-wise 3×3, a depth-wise 1×1 and the input itself, added."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = ConvNorm(dim, dim, 3, groups=dim)
        self.conv1 = ConvNorm(dim, dim, 1, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.conv1(x) + x


class FeedForward(nn.Module):
    """Widen, narrow, add."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.m = nn.Sequential(ConvNorm(dim, EXPANSION * dim), nn.GELU(), ConvNorm(EXPANSION * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.m(x)


class Block(nn.Module):
    """What mixes cells, then what mixes channels; with ``out_dim`` the side is halved on the way."""

    def __init__(self, dim: int, *, squeezes: bool = False, out_dim: int | None = None) -> None:
        super().__init__()
        mixer: list[nn.Module]
        if out_dim is None:
            mixer = [ThreeWays(dim), SqueezeExcite(dim) if squeezes else nn.Identity()]
        else:
            mixer = [ConvNorm(dim, dim, 3, stride=2, groups=dim), nn.Identity(), ConvNorm(dim, out_dim)]
        self.token_mixer = nn.Sequential(*mixer)
        self.channel_mixer = FeedForward(out_dim or dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.channel_mixer(self.token_mixer(x))


def _stage(dim: int, width: int, depth: int, *, first: bool) -> list[nn.Module]:
    """Of the blocks that keep the side every other one squeezes, beginning with the first, but never the last."""
    keeping = depth if first else depth - 1
    blocks = [Block(width, squeezes=index % 2 == 0 and index + 1 < keeping) for index in range(keeping)]
    return [*blocks] if first else [Block(dim, out_dim=width), *blocks]


class Twice(nn.Module):
    """A 1×1 convolution, then twice the side."""

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        self.op_list = nn.ModuleList([nn.Conv2d(dim, out_dim, 1, bias=False)])

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.op_list[0](x), scale_factor=2, mode="bicubic", align_corners=False)


class RepViT(ImageEncoder):
    """See :class:`ImageEncoder`."""

    before_blocks = ("features.0.",)

    def __init__(self, config: RepViTConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.widths[0]
        stem = nn.Sequential(ConvNorm(3, dim // 2, 3, 2), nn.GELU(), ConvNorm(dim // 2, dim, 3, 2))
        before = (dim, *config.widths)
        stages = [
            _stage(before[index], width, depth, first=index == 0)
            for index, (width, depth) in enumerate(zip(config.widths, config.depths, strict=True))
        ]
        self.features = nn.ModuleList([stem, *(block for stage in stages for block in stage)])
        self.fuse_stage2 = nn.Conv2d(config.widths[-2], config.out_channels, 1, bias=False)
        self.fuse_stage3 = Twice(config.widths[-1], config.out_channels)
        self.neck = neck(config.out_channels, config.out_channels)

    def block_names(self) -> list[str]:
        return [f"features.{index}" for index in range(1, len(self.features))]

    def forward(self, x: Tensor) -> Tensor:
        check_square(x, self.config.image_size)
        at_16 = len(self.features) - self.config.depths[-1]
        for block in self.features[:at_16]:
            x = block(x)
        fine = x
        for block in self.features[at_16:]:
            x = block(x)
        return self.neck(self.fuse_stage2(fine) + self.fuse_stage3(x))
