"""Where the names of objects go, so that all can be read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_ROWS_AWAY = 6  # how many label heights a label may move up or down to find room


def label_places(boxes: np.ndarray, sizes: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
    """Places for labels: each close to its box, inside the picture, on no other label if there is any room.

    Earlier labels choose first. The first choice is on top of the box, flush left.

    Args:
        boxes: (n, 4) xyxy of the objects.
        sizes: (n, 2) width and height of the labels.
        hw: height and width of the picture.

    Returns:
        (n, 4) int64 xyxy of the labels.
    """
    limit = np.array(hw[::-1])
    places = np.zeros((len(boxes), 4), np.int64)
    taken = np.zeros(hw, bool)
    for index, (box, size) in enumerate(zip(boxes, sizes, strict=True)):
        for choice, corner in enumerate(_choices(box, size)):
            x0, y0 = np.clip(np.round(corner), 0, np.maximum(limit - size, 0)).astype(int)
            x1, y1 = x0 + int(size[0]), y0 + int(size[1])
            free = not taken[y0:y1, x0:x1].any()
            if free or choice == 0:
                places[index] = x0, y0, x1, y1
            if free:
                break
        x0, y0, x1, y1 = places[index]
        taken[y0:y1, x0:x1] = True
    return places


def _choices(box: np.ndarray, size: np.ndarray) -> Iterator[np.ndarray]:
    """Upper left corners of a label, best first."""
    (x0, y0, x1, y1), (width, height) = box, size
    yield np.array([x0, y0 - height])
    yield np.array([x1 - width, y0 - height])
    yield np.array([x0, y1])
    yield np.array([x1, y0])
    yield np.array([x0 - width, y0])
    yield np.array([x0, y0])
    for rows in range(1, _ROWS_AWAY + 1):
        yield np.array([x0, y0 - (1 + rows) * height])
        yield np.array([x0, y0 + rows * height])
