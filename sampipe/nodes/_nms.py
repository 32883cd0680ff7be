"""Greedy non-maximum suppression over boxes or masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sampipe.types import RLE
from sampipe.types.rle import iou_matrix


def order_by(scores: np.ndarray) -> np.ndarray:
    """Indices from the highest score to the lowest; equal ones in their order, NaN last."""
    return np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")


def box_nms(boxes: np.ndarray, scores: np.ndarray, iou: float, groups: np.ndarray | None = None) -> np.ndarray:
    """Boxes that no better box of their group overlaps by more than ``iou``.

    Args:
        boxes: (n, 4) xyxy.
        scores: (n,); NaN counts as worst.
        iou: a box is dropped when its IoU with a kept one is greater.
        groups: (n,) ints; only boxes of one group compete. None: all do.

    Returns:
        Indices of those kept, best first.
    """

    def overlaps(one: int, others: np.ndarray) -> np.ndarray:
        intersection, union = _box_overlap(boxes, one, others)
        return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)

    return _greedy(scores, iou, groups, overlaps)


def mask_nms(rles: Sequence[RLE], scores: np.ndarray, iou: float, groups: np.ndarray | None = None) -> np.ndarray:
    """As :func:`box_nms`, by the IoU of the masks themselves.

    The boxes and areas bound each IoU from above, so that only pairs that matter are counted pixel by pixel.
    """
    boxes = np.array([rle.box for rle in rles], np.float64).reshape(-1, 4)
    areas = np.array([rle.area for rle in rles], np.float64)

    def overlaps(one: int, others: np.ndarray) -> np.ndarray:
        shared = np.minimum(_box_overlap(boxes, one, others)[0], np.minimum(areas[one], areas[others]))
        union = areas[one] + areas[others] - shared
        bound = np.divide(shared, union, out=np.zeros_like(union), where=union > 0)
        close = np.flatnonzero(bound > iou)
        result = np.zeros(len(others))
        if len(close):
            result[close] = iou_matrix([rles[one]], [rles[index] for index in others[close]])[0]
        return result

    return _greedy(scores, iou, groups, overlaps)


def _box_overlap(boxes: np.ndarray, one: int, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = boxes[one].astype(np.float64), boxes[others].astype(np.float64)
    sides = np.clip(np.minimum(a[2:], b[:, 2:]) - np.maximum(a[:2], b[:, :2]), 0, None)
    intersection = sides[:, 0] * sides[:, 1]
    area_of_others = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return intersection, (a[2] - a[0]) * (a[3] - a[1]) + area_of_others - intersection


def _greedy(
    scores: np.ndarray,
    iou: float,
    groups: np.ndarray | None,
    overlaps: Callable[[int, np.ndarray], np.ndarray],
) -> np.ndarray:
    waiting = order_by(scores)
    kept: list[int] = []
    while len(waiting):
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        rivals = np.ones(len(waiting), bool) if groups is None else groups[waiting] == groups[best]
        beaten = np.zeros(len(waiting), bool)
        beaten[rivals] = overlaps(best, waiting[rivals]) > iou
        waiting = waiting[~beaten]
    return np.array(kept, dtype=np.int64)
