"""Square crops around masks, as an image tower takes them."""

from __future__ import annotations

import numpy as np

from sampipe.types import RLE, Image
from sampipe.types._arrays import BoolArray, UInt8Array

GREY = 124
"""What lies beyond the image and, in masked crops, beyond the mask: about the mean of photos."""


def square_crop(image: Image, mask: RLE, *, grow: float, blank: bool) -> tuple[UInt8Array, BoolArray]:
    """The square around a mask, and where in it the mask is.

    Args:
        image: the image.
        mask: not empty.
        grow: side of the square in units of the mask's longer side (1: tight).
        blank: paint everything outside the mask grey.

    Returns:
        pixels (s, s, 3) and bool (s, s).
    """
    x0, y0, x1, y1 = (float(value) for value in mask.box)
    side = max(1, round(max(x1 - x0, y1 - y0) * grow))
    left, top = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    pixels = np.full((side, side, 3), GREY, dtype=np.uint8)
    inside = np.zeros((side, side), dtype=bool)
    x_from, y_from = max(left, 0), max(top, 0)
    x_to, y_to = min(left + side, image.width), min(top + side, image.height)
    here = slice(y_from - top, y_to - top), slice(x_from - left, x_to - left)
    there = slice(y_from, y_to), slice(x_from, x_to)
    pixels[here] = image.pixels[there]
    inside[here] = mask.decode()[there]
    if blank:
        pixels[~inside] = GREY
    return pixels, inside
