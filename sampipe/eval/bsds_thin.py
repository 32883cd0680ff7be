"""Morphological thinning of edge maps, on the pixels that are set and on no others."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

_EAST_COUNTERCLOCKWISE = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))  # y, x


def thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Lines one pixel wide that hang together as the shapes did, bool (h, w).

    The parallel thinning of Guo and Hall ("Parallel thinning with two-subiteration algorithms", CACM 1989), which
    is what BSDS's own tools use (MATLAB's ``bwmorph(..., 'thin', Inf)``): two passes in turns until nothing goes.
    Work is in proportion to the pixels set, so that a hundred thresholds of a thin map take a moment.
    """
    padded = np.pad(mask, 1)
    flat = padded.reshape(-1)
    width = padded.shape[1]
    steps = [y * width + x for y, x in _EAST_COUNTERCLOCKWISE]
    pixels = np.flatnonzero(flat)
    removed = True
    while removed:
        removed = False
        for goes in _removable():
            code = np.zeros(len(pixels), dtype=np.uint8)
            for bit, step in enumerate(steps):
                code |= flat[pixels + step].view(np.uint8) << np.uint8(bit)
            gone = goes[code]
            if gone.any():
                flat[pixels[gone]] = False
                pixels = pixels[~gone]
                removed = True
    return padded[1:-1, 1:-1]


@cache
def _removable() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each of the 256 neighbourhoods (bit i: i-th neighbour) whether the pixel goes, in each of both passes."""
    codes = np.arange(256)
    x = {bit + 1: (codes >> bit & 1).astype(np.bool_) for bit in range(8)} | {9: (codes & 1).astype(np.bool_)}
    crossings = sum((~x[2 * i - 1] & (x[2 * i] | x[2 * i + 1])).astype(np.int64) for i in range(1, 5))
    ahead = sum((x[2 * i - 1] | x[2 * i]).astype(np.int64) for i in range(1, 5))
    behind = sum((x[2 * i] | x[2 * i + 1]).astype(np.int64) for i in range(1, 5))
    fewer = np.minimum(ahead, behind)
    simple = (crossings == 1) & (fewer >= 2) & (fewer <= 3)
    return simple & ~((x[2] | x[3] | ~x[8]) & x[1]), simple & ~((x[6] | x[7] | ~x[4]) & x[5])
