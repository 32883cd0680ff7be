"""Overlapping crops of an image, layer by layer, for the automatic masks of small things (paper, appendix
B)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

Box = tuple[int, int, int, int]


class Crop(NamedTuple):
    """A part of the image: in which layer (0 is the whole image), and where (x0, y0, x1, y1)."""

    layer: int
    box: Box

    @property
    def area(self) -> int:
        x0, y0, x1, y1 = self.box
        return (x1 - x0) * (y1 - y0)


def layered_crops(hw: tuple[int, int], layers: int, overlap: float) -> list[Crop]:
    """The whole image, then 2×2, 4×4, ... crops of equal size.

    Args:
        hw: height and width of the image.
        layers: how many layers of crops come after the whole image.
        overlap: how far neighbours of the first layer overlap, as a share of the image's short side; half of
            that in the second layer, and so on.
    """
    height, width = hw
    crops = {Crop(0, (0, 0, width, height)): None}
    for layer in range(1, layers + 1):
        count = 2**layer
        shared = int(overlap * min(hw) * 2 / count)
        for y0, y1 in _spans(height, count, shared):
            for x0, x1 in _spans(width, count, shared):
                crops[Crop(layer, (x0, y0, x1, y1))] = None
    return list(crops)


def _spans(length: int, count: int, shared: int) -> list[tuple[int, int]]:
    side = math.ceil((length + shared * (count - 1)) / count)
    starts = [index * (side - shared) for index in range(count)]
    return [(start, min(start + side, length)) for start in starts if start < length]


def touches_inner_edge(boxes: np.ndarray, crop: Box, hw: tuple[int, int], margin: float) -> np.ndarray:
    """Boxes that come close to an edge of the crop which is not near that same edge of the image: things cut
    in two.

    Args:
        boxes: (n, 4) xyxy in the image.
        crop: where the crop lies in the image.
        hw: the image's height and width.
        margin: how close is close, in pixels.

    Returns:
        (n,) bool.
    """
    image = np.array([0, 0, hw[1], hw[0]])
    near_crop_edge = np.abs(boxes - np.array(crop)) <= margin
    near_image_edge = np.abs(boxes - image) <= margin
    return (near_crop_edge & ~near_image_edge).any(axis=1)
