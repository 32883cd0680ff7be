"""Polygons to pixels: a pixel is inside when its centre is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sampipe.errors import DataError
from sampipe.types import _runs
from sampipe.types._arrays import BoolArray, IntArray

_MAX_COORDINATE = 1e9  # beyond it, what lies between two corners cannot be told to a tenth of a pixel


def rasterize(rings: Sequence[ArrayLike], hw: tuple[int, int]) -> BoolArray:
    """The pixels whose centre lies inside the rings, bool (h, w).

    The rule is GDAL's ``rasterize``, pixel for pixel: even-odd over all rings, so a ring inside another is a hole. A
    centre that lies on an outline belongs to the part at its left, or below it. What lies outside the image is cut off.

    Args:
        rings: each (k, 2) x, y in pixel-edge coordinates, as half-open boxes have them: the pixel (0, 0) reaches from
            (0, 0) to (1, 1). The first corner may be repeated at the end; fewer than 3 corners enclose nothing.
        hw: height and width.

    Raises:
        DataError: a ring that is not (k, 2), or coordinates that are not finite or beyond 1e9.
    """
    height, width = hw
    crossings = [_crossings(_checked(ring), height) for ring in rings]
    row = np.concatenate([rows for rows, _ in crossings]) if crossings else np.zeros(0, np.int64)
    x = np.concatenate([xs for _, xs in crossings]) if crossings else np.zeros(0)
    column = np.clip(np.floor(x + 0.5), 0, width).astype(np.int64)
    order = np.lexsort((column, row))
    changes = (row * width + column)[order]  # in pixels from the top left: outside becomes inside, or inside outside
    runs = np.diff(changes, prepend=0, append=height * width)
    return _runs.to_pixels(runs).reshape(height, width)


def _crossings(ring: NDArray[np.float64], height: int) -> tuple[IntArray, NDArray[np.float64]]:
    """Where the ring's edges cross the lines through the pixels' centres: the row of each crossing, and its x."""
    ends = np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)
    upward = ends[:, 0, 1] > ends[:, 1, 1]
    ends[upward] = ends[upward, ::-1]
    (x0, y0), (x1, y1) = ends[:, 0].T, ends[:, 1].T
    first = np.clip(np.ceil(y0 - 0.5), 0, height).astype(np.int64)
    count = np.clip(np.ceil(y1 - 0.5), 0, height).astype(np.int64) - first
    edge = np.repeat(np.arange(len(ends)), count)
    row = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    along = (row + 0.5 - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    return row, along + x0[edge]


def _checked(ring: ArrayLike) -> NDArray[np.float64]:
    try:
        corners = np.asarray(ring, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"polygon: got {type(ring).__name__}, wanted numbers (k, 2): {error}") from error
    if corners.size == 0:
        return np.zeros((0, 2))
    if corners.ndim != 2 or corners.shape[1] != 2:
        raise DataError(f"polygon: got shape {corners.shape}, wanted (k, 2): x and y of each corner")
    if not (np.abs(corners) <= _MAX_COORDINATE).all():
        raise DataError(f"polygon: got coordinates that are not finite, or beyond {_MAX_COORDINATE:g} pixels")
    return corners
