"""The colors that Pascal VOC and DAVIS give to numbers."""

from __future__ import annotations

import numpy as np


def palette() -> list[int]:
    """256 times red, green, blue; the bits of the number spread over the three."""
    colors = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colors[:, channel] |= ((np.arange(256) >> (3 * bit + channel)) & 1).astype(np.uint8) << (7 - bit)
    return colors.ravel().tolist()
