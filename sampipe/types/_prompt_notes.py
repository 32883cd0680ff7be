"""What became of prompts on the way to a model, in sentences for whoever gave them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sampipe.types._arrays import BoolArray, FloatArray
from sampipe.types.prompts import Prompts

_SLACK = 1.0  # pixels that a detector's box may reach beyond the edge without a word
_SMALLEST = 16  # pixels; of an image whose prompts may be meant as fractions when all lie between 0 and 1
_SHOWN = 5  # objects that are named one by one


def notes(given: Prompts, boxes: FloatArray | None, points: FloatArray | None, hw: tuple[int, int]) -> tuple[str, ...]:
    """Sentences about what :meth:`Prompts.sanitize` cut, sorted, moved and left out; none where all was well.

    Args:
        given: as they came.
        boxes, points: as they go to the model, an object each as in ``given``.
        hw: of the image.
    """
    return (*_about_boxes(given, boxes, hw), *_about_points(given, points, hw))


def _about_boxes(given: Prompts, inside: FloatArray | None, hw: tuple[int, int]) -> Iterator[str]:
    if given.boxes is None or inside is None or not given.has_boxes.any():
        return
    boxes, present, count = given.boxes, given.has_boxes, int(given.has_boxes.sum())
    finite = np.asarray(np.isfinite(boxes).all(axis=1))
    turned = finite & ((boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1]))
    area = finite & (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])
    corners = np.where(finite[:, None], boxes, 0).reshape(-1, 2, 2)
    ordered = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    cut = area & (np.abs(np.where(area[:, None], inside, ordered) - ordered) > _SLACK).any(axis=1)
    if cut.any():
        yield f"{_of(cut, count, 'box', 'boxes')} cut at the image's edge"
    if turned.any():
        yield (
            f"{_of(turned, count, 'box', 'boxes')} sorted: a corner x1, y1 lay left of or above x0, y0. "
            "Boxes are x0, y0, x1, y1; were these x, y, width, height?"
        )
    without = np.flatnonzero(present & ~area)
    for row in without[:_SHOWN].tolist():
        numbers = ", ".join(f"{number:g}" for number in boxes[row])
        why = f"has no area inside the image of {hw[1]} x {hw[0]}" if finite[row] else "is not finite"
        yield f"error: box {row + 1} of {count} ({numbers}) {why}; it gets no mask"
    if len(without) > _SHOWN:
        yield f"error: {len(without) - _SHOWN} more boxes get no mask either"
    if finite.any() and _like_fractions(boxes[finite], hw):
        yield "all boxes lie between 0 and 1, as fractions of the image's size would; pixels are wanted"


def _about_points(given: Prompts, inside: FloatArray | None, hw: tuple[int, int]) -> Iterator[str]:
    if given.points is None or given.point_labels is None or inside is None or not given.has_points.any():
        return
    real = given.point_labels >= 0
    finite = np.asarray(np.isfinite(given.points).all(axis=2))
    moved = real & finite & (np.abs(np.where(finite[..., None], given.points, 0) - inside) > _SLACK).any(axis=2)
    if moved.any():
        yield f"{_of(moved, int(real.sum()), 'point', 'points')} outside the image and moved onto its nearest pixel"
    if (real & ~finite).any():
        yield f"error: {_of(real & ~finite, int(real.sum()), 'point', 'points')} not finite; the object gets no mask"
    if real.any() and _like_fractions(given.points[real], hw):
        yield "all points lie between 0 and 1, as fractions of the image's size would; pixels are wanted"


def _like_fractions(numbers: FloatArray, hw: tuple[int, int]) -> bool:
    whole = bool((numbers == np.rint(numbers)).all())  # a click on the first pixel is one
    return not whole and min(hw) >= _SMALLEST and bool(((numbers >= 0) & (numbers <= 1)).all())


def _of(chosen: BoolArray, count: int, one: str, several: str) -> str:
    number = int(chosen.sum())
    return f"{number} of {count} {one if count == 1 else several} {'was' if number == 1 else 'were'}"
