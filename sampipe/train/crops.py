"""A square example's window in an image: choosing it, and cutting pixels and masks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage
from sampipe.types import RLE

_SHIFT = 0.3  # of the window's sides, how far its centre may lie from the object's
_MIN_SIDE = 32.0  # image pixels
_HALF = 127


@dataclass(frozen=True)
class Window:
    """A part of an image: left, top, width and height in its pixels; may reach beyond the right and bottom edges."""

    left: float
    top: float
    width: float
    height: float

    def inside(self, wh: tuple[int, int]) -> tuple[float, float, float, float]:
        """The part that lies on an image of that width and height, as x, y, x, y."""
        return self.left, self.top, min(self.left + self.width, wh[0]), min(self.top + self.height, wh[1])

    def content(self, wh: tuple[int, int], size: int) -> tuple[int, int]:
        """Width and height of that part once the window is ``size`` pixels wide and high."""
        left, top, right, bottom = self.inside(wh)
        width, height = (right - left) * size / self.width, (bottom - top) * size / self.height
        return max(1, int(width + 0.5)), max(1, int(height + 0.5))

    def meets(self, xyxy: NDArray[np.float32]) -> bool:
        """Whether a box shares any area with the window."""
        return bool(
            min(xyxy[2], self.left + self.width) > max(xyxy[0], self.left)
            and min(xyxy[3], self.top + self.height) > max(xyxy[1], self.top)
        )


def choose_window(
    annotated: AnnotatedImage,
    rng: np.random.Generator,
    *,
    relative: float,
    zoom: tuple[float, float],
    stretch: float,
) -> Window:
    """A window around a random object; the whole image where it would be larger than that.

    Args:
        annotated: has at least one object.
        rng: draws object, zoom, stretch and place.
        relative: the window's side as a share of the image's longest side, before zoom.
        zoom: range of the zoom, drawn log-uniformly.
        stretch: half of the windows get their aspect changed by up to exp(stretch) in each direction.
    """
    item = annotated.objects[rng.integers(len(annotated.objects))]
    height, width = item.mask.hw
    longest = max(height, width)
    factor = math.exp(rng.uniform(math.log(zoom[0]), math.log(zoom[1])))
    side = max(min(longest * relative / factor, longest), _MIN_SIDE)
    aspect = math.exp(rng.uniform(-stretch, stretch)) if rng.random() < 0.5 else 1.0
    wide, high = side * aspect, side / aspect
    x0, y0, x1, y1 = item.mask.box
    left = (x0 + x1) / 2 + rng.uniform(-_SHIFT, _SHIFT) * wide - wide / 2
    top = (y0 + y1) / 2 + rng.uniform(-_SHIFT, _SHIFT) * high - high / 2
    return Window(max(0.0, min(left, width - wide)), max(0.0, min(top, height - high)), wide, high)


def cut(image: Pillow.Image, window: Window, size: int, how: Pillow.Resampling) -> Pillow.Image:
    """The window as a ``size`` square; what lies beyond the image's right or bottom edge is black."""
    content = window.content(image.size, size)
    resized = image.resize(content, how, box=window.inside(image.size))
    if content == (size, size):
        return resized
    canvas = Pillow.new(image.mode, (size, size))
    canvas.paste(resized, (0, 0))
    return canvas


def cut_mask(mask: RLE, window: Window, size: int) -> NDArray[np.bool_]:
    """The mask in the window, (size, size): a pixel belongs to it when more than half is covered."""
    pixels = Pillow.fromarray(mask.decode().view(np.uint8) * 255)
    return np.asarray(cut(pixels, window, size, Pillow.Resampling.BOX)) > _HALF
