"""Greedy non-maximum suppression over boxes or masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sampipe.types.rle import RLE, iou_matrix


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
    import torch
    from torchvision.ops import batched_nms, nms

    corners = torch.from_numpy(np.asarray(boxes, np.float64).reshape(-1, 4))
    ranks = torch.from_numpy(np.nan_to_num(np.asarray(scores, np.float64), nan=-np.inf))
    if groups is None:
        return np.asarray(nms(corners, ranks, iou).numpy())
    return np.asarray(batched_nms(corners, ranks, torch.from_numpy(groups), iou).numpy())


def mask_nms(rles: Sequence[RLE], scores: np.ndarray, iou: float, groups: np.ndarray | None = None) -> np.ndarray:
    """As :func:`box_nms`, by the IoU of the masks themselves.

    The boxes and areas bound each IoU from above, so that only pairs that matter are counted pixel by pixel.
    """
    boxes = np.array([rle.box for rle in rles], np.float64).reshape(-1, 4)
    areas = np.array([rle.area for rle in rles], np.float64)

    waiting = order_by(scores)
    kept: list[int] = []
    while len(waiting):
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        rivals = np.ones(len(waiting), bool) if groups is None else groups[waiting] == groups[best]
        rivals[rivals] = _upper_bounds(boxes, areas, best, waiting[rivals]) > iou
        if rivals.any():
            rivals[rivals] = iou_matrix([rles[best]], [rles[index] for index in waiting[rivals]])[0] > iou
        waiting = waiting[~rivals]
    return np.array(kept, dtype=np.int64)


def _upper_bounds(boxes: np.ndarray, areas: np.ndarray, one: int, others: np.ndarray) -> np.ndarray:
    """What the IoU of a mask with others can be at most: they share no more than their boxes do."""
    a, b = boxes[one], boxes[others]
    sides = np.clip(np.minimum(a[2:], b[:, 2:]) - np.maximum(a[:2], b[:, :2]), 0, None)
    shared = np.minimum(sides[:, 0] * sides[:, 1], np.minimum(areas[one], areas[others]))
    union = areas[one] + areas[others] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(union), where=union > 0))
