"""Translucent masks on a picture: which colour covers each pixel, then all mixed in at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow

from sampipe.types import RLE


def paint(scene: np.ndarray, rles: Sequence[RLE], colours: np.ndarray, opacity: float) -> np.ndarray:
    """A picture with masks on it, the smaller on the larger; mask i has the colour i, modulo their number.

    Args:
        scene: uint8 (h, w, 3).
        rles: masks of its size.
        colours: uint8 (at most 255, 3), in the scene's order of channels.
        opacity: 0 leaves the scene, 1 covers it.
    """
    layer = np.zeros(scene.shape[:2], np.uint8)
    for index in np.argsort([-rle.area for rle in rles], kind="stable"):
        x0, y0, x1, y1 = (int(side) for side in rles[index].box)
        layer[y0:y1, x0:x1][rles[index].window()] = 1 + index % len(colours)
    return blend(scene, layer, colours, opacity)


def blend(scene: np.ndarray, layer: np.ndarray, colours: np.ndarray, opacity: float) -> np.ndarray:
    """A picture with colours mixed in where ``layer``, uint8 (h, w), is not 0 but 1 + the row of a colour."""
    palette = np.zeros((256, 3), np.uint8)
    palette[1 : 1 + len(colours)] = colours
    covering = Pillow.fromarray(layer)
    share = covering.point([0] + [round(255 * opacity)] * 255)
    covering.putpalette(palette.tobytes())
    mixed = Pillow.fromarray(scene)
    mixed.paste(covering.convert("RGB"), (0, 0), share)
    return np.asarray(mixed).copy()
