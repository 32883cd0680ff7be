"""Translucent masks on an image: which color covers each pixel, then all mixed in at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sampipe.types.rle import RLE

_ROWS = 256  # that are mixed at once


def paint(scene: NDArray[Any], rles: Sequence[RLE], colors: NDArray[Any], opacity: float) -> NDArray[Any]:
    """An image with masks on it, the smaller on the larger; mask i has the color i, modulo their number.

    Args:
        scene: uint8 (h, w, 3).
        rles: masks of its size.
        colors: uint8 (at most 255, 3), in the scene's order of channels.
        opacity: 0 leaves the scene, 1 covers it.
    """
    layer = np.zeros(scene.shape[:2], np.uint8)
    for index in np.argsort([-rle.area for rle in rles], kind="stable"):
        x0, y0, x1, y1 = (int(side) for side in rles[index].box)
        layer[y0:y1, x0:x1][rles[index].window()] = 1 + index % len(colors)
    painted: NDArray[Any] = scene.copy()
    blend(painted, layer, colors, opacity)
    return painted


def blend(scene: NDArray[Any], layer: NDArray[Any], colors: NDArray[Any], opacity: float) -> None:
    """Mix colors into an image, in place, where ``layer``, uint8 (h, w), is not 0 but 1 + the row of a color."""
    share = round(255 * opacity)
    palette = np.zeros((256, 3), np.uint16)
    palette[1 : 1 + len(colors)] = colors * np.uint16(share) + np.uint16(128)
    for top in range(0, len(scene), _ROWS):
        rows = layer[top : top + _ROWS].reshape(-1)
        there = np.flatnonzero(rows)
        pixels = scene[top : top + _ROWS].reshape(-1, 3)
        mixed = palette[rows[there]]
        mixed += pixels[there] * np.uint16(255 - share)
        mixed += mixed >> 8
        pixels[there] = mixed >> 8  # a division by 255, rounded
