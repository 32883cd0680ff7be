"""Boundary IoU (Cheng, Girshick, Dollár, Berg and Kirillov, CVPR 2021): IoU near the outlines of two masks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sampipe.types import RLE
from sampipe.types._arrays import BoolArray

DILATION = 0.02
"""Width of the boundary as a share of the image's diagonal (section 4 of that paper)."""


def boundary_iou(answer: RLE, truth: RLE) -> float:
    """IoU of the pixels of each mask that lie within 2 % of the image's diagonal of its own outline.

    A pixel is within d of the outline when the square of 2 d + 1 pixels around it holds a pixel that is not of the
    mask; beyond the image there is none of it. Two empty masks have 1.
    """
    first, second = _cut(answer, truth)
    width = max(1, round(DILATION * math.hypot(*truth.hw)))
    first, second = boundary(first, width), boundary(second, width)
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


def boundary_ious(answers: Sequence[RLE], truths: Sequence[RLE]) -> list[float]:
    """Boundary IoU of each answer with its truth."""
    return [boundary_iou(answer, truth) for answer, truth in zip(answers, truths, strict=True)]


def boundary(mask: BoolArray, width: int) -> BoolArray:
    """The pixels of a mask (h, w) within ``width`` pixels (chessboard) of what is not of it; beyond (h, w) none is."""
    from scipy import ndimage

    depth = ndimage.distance_transform_cdt(np.pad(mask, 1), "chessboard")[1:-1, 1:-1]
    return np.asarray(mask & (depth <= width))


def _cut(first: RLE, second: RLE) -> tuple[BoolArray, BoolArray]:
    """Both masks inside the smallest window that holds them."""
    boxes = np.array([mask.box for mask in (first, second) if mask.area], int).reshape(-1, 4)
    if not len(boxes):
        return first.decode()[:0], second.decode()[:0]
    (x0, y0), (x1, y1) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return first.decode()[y0:y1, x0:x1], second.decode()[y0:y1, x0:x1]
