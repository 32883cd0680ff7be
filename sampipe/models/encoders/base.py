"""What every image encoder says about itself: one file an encoder, all of it behind these two classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from typing_extensions import Self

from sampipe.errors import DataError
from sampipe.models.layers import LayerNorm2d

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(ABC):
    """The shape of an image encoder, as JSON values; a subclass for each architecture.

    Args:
        out_channels: of the image embedding.
        image_size: side of the square input, in pixels.
    """

    kind: ClassVar[str]
    """Its name in stored configurations."""

    out_channels: int
    image_size: int

    @property
    def stride(self) -> int:
        """Pixels of the input to a cell of the embedding."""
        return 16

    @property
    def fine_channels(self) -> tuple[int, ...]:
        """Of the finer maps, coarse to fine; most encoders make none."""
        return ()

    @property
    def backbone_channels(self) -> tuple[int, ...]:
        """Of the maps at strides 8, 16 and 32 that heads may stand on; most encoders have none."""
        return ()

    @property
    def size_step(self) -> int | None:
        """Of what other sizes of the input must be multiples; ``None``: the network takes ``image_size`` only."""
        return None

    @abstractmethod
    def build(self) -> ImageEncoder:
        """The network, its weights at random."""

    @classmethod
    def from_shapes(cls, shapes: Shapes) -> Self | None:
        """The configuration of a checkpoint that does not state it; ``None`` where it is another encoder's.

        Args:
            shapes: of the checkpoint's tensors, by their official names.

        Raises:
            KeyError, IndexError, ValueError, ZeroDivisionError: this encoder's, and damaged.
        """
        return None


class ImageEncoder(nn.Module):
    """(b, 3, s, s) normalised pixels to an embedding (b, channels, s / stride, s / stride), s = ``image_size``.

    Encoders that make finer maps return a tuple: the embedding, then maps of 2 and 4 times its side.
    """

    before_blocks: ClassVar[tuple[str, ...]]
    """Parameters and modules that stand before the first block, by name."""

    def with_backbone(self, x: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """What calling gives, as a tuple, and the maps that heads may stand on."""
        encoded = self(x)
        return (encoded if isinstance(encoded, tuple) else (encoded,)), ()

    def block_names(self) -> list[str]:
        """The blocks in a row, first to last: learning rates fall and dropping rises along it."""
        raise NotImplementedError


class ConvNorm(nn.Sequential):
    """Convolution without bias, then batch normalisation."""

    def __init__(self, in_channels: int, channels: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(channels)


def count_children(shapes: Shapes, prefix: str) -> int:
    """How many numbered children a module list has; their numbers must run from 0.

    Raises:
        ValueError: they do not, or there are none.
    """
    numbers = {name[len(prefix) :].partition(".")[0] for name in shapes if name.startswith(prefix)}
    if numbers != {str(number) for number in range(len(numbers))} or not numbers:
        raise ValueError(f"{prefix}* is not numbered from 0")
    return len(numbers)


def neck(dim: int, out_channels: int) -> nn.Sequential:
    """What every official image encoder ends with: (b, dim, h, w) to (b, out_channels, h, w)."""
    return nn.Sequential(
        nn.Conv2d(dim, out_channels, kernel_size=1, bias=False),
        LayerNorm2d(out_channels),
        nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
        LayerNorm2d(out_channels),
    )


def check_square(x: Tensor, size: int) -> None:
    """Raise DataError where ``x`` is not the (b, 3, size, size) that an encoder of that size takes."""
    if x.shape[1:] != (3, size, size):
        raise DataError(f"image encoder: got {tuple(x.shape)}, wanted (b, 3, {size}, {size}): pad the image.")
