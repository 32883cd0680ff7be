"""Where the names of objects go, so that all can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS_AWAY = 6  # how many label heights a label may move up or down to find room


def label_places(boxes: NDArray[Any], sizes: NDArray[Any], hw: tuple[int, int]) -> NDArray[Any]:
    """Places for labels: each close to its box, inside the image, on no other label if there is any room.

    Earlier labels choose first. The first choice is on top of the box, flush left.

    Args:
        boxes: (n, 4) xyxy of the objects.
        sizes: (n, 2) width and height of the labels.
        hw: height and width of the image.

    Returns:
        (n, 4) int64 xyxy of the labels.
    """
    taken = np.zeros(hw, bool)
    corners = []
    for box, (wide, high) in zip(boxes.tolist(), np.ceil(sizes).astype(int).tolist(), strict=True):
        choices = [_inside(corner, wide, high, hw) for corner in _choices(box, wide, high)]
        free = (corner for corner in choices if not taken[_pixels(corner, wide, high)].any())
        corners.append(next(free, choices[0]))
        taken[_pixels(corners[-1], wide, high)] = True
    upper_left = np.array(corners, np.int64).reshape(-1, 2)
    return np.concatenate([upper_left, upper_left + np.ceil(sizes).astype(np.int64)], axis=1)


def _inside(corner: tuple[float, float], wide: int, high: int, hw: tuple[int, int]) -> tuple[int, int]:
    """The corner moved so that the label lies in the image."""
    x, y = (round(side) for side in corner)
    return min(max(x, 0), max(hw[1] - wide, 0)), min(max(y, 0), max(hw[0] - high, 0))


def _pixels(corner: tuple[int, int], wide: int, high: int) -> tuple[slice, slice]:
    x, y = corner
    return slice(y, y + high), slice(x, x + wide)


def _choices(box: list[float], wide: int, high: int) -> Iterator[tuple[float, float]]:
    """Upper left corners of a label, best first."""
    x0, y0, x1, y1 = box
    yield x0, y0 - high
    yield x1 - wide, y0 - high
    yield x0, y1
    yield x1, y0
    yield x0 - wide, y0
    yield x0, y0
    for rows in range(1, _ROWS_AWAY + 1):
        yield x0, y0 - (1 + rows) * high
        yield x0, y0 + rows * high
