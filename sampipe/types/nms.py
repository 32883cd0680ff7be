"""Greedy non-maximum suppression over boxes or masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sampipe.types.rle import RLE, iou_matrix

_VOTING_IOU, _VOTING_WIDTH = 0.65, 0.05


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


def vote_boxes(boxes: np.ndarray, kept: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Each kept box, moved to the mean of those around it (box voting: Gidaris and Komodakis, ICCV 2015, section 4).

    A box has as many votes as its score times ``exp(-(1 - IoU)² / 0.05)`` (He et al., CVPR 2019, equation 10).

    Args:
        boxes: (n, 4) xyxy.
        kept: (k,) indices, as :func:`box_nms` gives them.
        scores: (n,) at least 0.
        groups: (n,) ints; only boxes of its own group vote for a box.

    Returns:
        (k, 4).
    """
    import torch
    from torchvision.ops import box_iou

    corners = torch.from_numpy(np.asarray(boxes, np.float64).reshape(-1, 4))
    overlap = box_iou(corners[kept], corners).numpy()
    near = (overlap >= _VOTING_IOU) & (groups[kept][:, None] == groups[None])
    votes = near * scores[None] * np.exp(-((1 - overlap) ** 2) / _VOTING_WIDTH)
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes @ corners.numpy() / np.maximum(total, 1e-12), corners[kept].numpy())


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
