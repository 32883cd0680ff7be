"""Which masks go on: one candidate of three, the largest, those above a threshold, one of duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from sampipe.errors import DataError
from sampipe.graph import Node
from sampipe.nodes._limits import Count, Fraction, NotNegative
from sampipe.types import RLE, Masks, Prompts
from sampipe.types.nms import box_nms, mask_nms


class SelectCandidate(Node):
    """One candidate of each object, where the decoder gave three (whole, part, subpart).

    Args:
        by: "iou" takes the one with the highest predicted IoU; "area" the one with the most or fewest pixels;
            "click" the smallest one that contains all foreground points of its object and no background point
            (where none does, the highest predicted IoU).
        prefer: with "area", "largest" or "smallest".

    Raises:
        DataError: a choice that is not listed.
    """

    by: Literal["iou", "area", "click"] = "iou"
    prefer: Literal["largest", "smallest"] = "largest"

    def run(self, masks: Masks) -> Masks:
        if masks.num_candidates == 1 or not len(masks) or self.by == "iou":
            chosen = masks.best()
        elif self.by == "area":
            areas = _areas(masks.all_rles())
            chosen = masks.choose(areas.argmax(axis=1) if self.prefer == "largest" else areas.argmin(axis=1))
        else:
            chosen = masks.choose(_columns_by_click(masks))
        return chosen.add_step(self.describe())


def _areas(rles: Sequence[Sequence[RLE]]) -> np.ndarray:
    return np.array([[rle.area for rle in candidates] for candidates in rles])


def _columns_by_click(masks: Masks) -> np.ndarray:
    rles = masks.all_rles()
    agrees = np.array([[_agrees(rle, masks.prompts, i) for rle in rles[i]] for i in range(len(masks))])
    smallest = np.where(agrees, _areas(rles), np.inf).argmin(axis=1)
    best_guess = np.nan_to_num(masks.iou_scores, nan=-np.inf).argmax(axis=1)
    return np.where(agrees.any(axis=1), smallest, best_guess)


def _agrees(rle: RLE, prompts: Prompts, i: int) -> bool:
    """Whether the mask holds all foreground points of object i, at least one, and no background point."""
    if prompts.points is None or prompts.point_labels is None or not (prompts.point_labels[i] == 1).any():
        return False
    real = prompts.point_labels[i] != -1
    x, y = np.floor(prompts.points[i][real]).astype(np.int64).T
    height, width = rle.hw
    inside = rle.decode()[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return bool((inside == (prompts.point_labels[i][real] == 1)).all())


class LargestMasks(Node):
    """The masks with the most pixels, largest first.

    Args:
        count: how many to keep.

    Raises:
        DataError: ``count`` is not a whole number, at least 1.
    """

    count: Count = 1

    def run(self, masks: Masks) -> Masks:
        largest = np.argsort(-masks.area(), kind="stable")[: self.count]
        return masks.select(largest, step=self.describe())


class FilterMasks(Node):
    """Masks within all the limits that are given; an object with several candidates is judged by its best
    one.

    Args:
        min_iou: lowest predicted IoU.
        min_stability: lowest stability score (IoU of the logits thresholded one above and one below).
        min_area, max_area: pixels of the mask.
        min_score: lowest score of the prompt (a detector's confidence).
        labels: names to keep.

    Raises:
        DataError: a limit that is not a number, or a limit on something these masks do not know: stability of
            masks without logits, scores or labels of prompts that carry none.
    """

    min_iou: float | None = None
    min_stability: float | None = None
    min_area: NotNegative | None = None
    max_area: NotNegative | None = None
    min_score: float | None = None
    labels: Sequence[str] | None = None

    def run(self, masks: Masks) -> Masks:
        if not len(masks):
            return masks
        keep = np.ones(len(masks), bool)
        best = masks.best()
        if self.min_iou is not None:
            keep &= best.iou_scores[:, 0] >= self.min_iou
        if self.min_stability is not None:
            keep &= _stability(best) >= self.min_stability
        if self.min_area is not None:
            keep &= best.area() >= self.min_area
        if self.max_area is not None:
            keep &= best.area() <= self.max_area
        if self.min_score is not None:
            if masks.prompts.scores is None:
                raise _unknown("min_score", "the prompts carry no scores; only detectors give them")
            keep &= masks.prompts.scores >= self.min_score
        if self.labels is not None:
            if masks.prompts.labels is None:
                raise _unknown("labels", "the prompts carry no labels; name them where they are made")
            keep &= np.isin(np.array(masks.prompts.labels, dtype=object), list(self.labels))
        return masks.select(keep, step=self.describe())


def _stability(best: Masks) -> np.ndarray:
    if best.stability is not None:
        return best.stability[:, 0]
    if best.logits is None:
        raise _unknown("min_stability", "these masks have no logits; filter before they are cleaned or merged")
    return best.stability_scores()[:, 0]


def _unknown(parameter: str, why: str) -> DataError:
    return DataError(f"FilterMasks: {parameter} cannot be judged: {why}, or leave {parameter} out.")


class MaskNMS(Node):
    """Of masks that overlap, the one with the highest predicted IoU; the rest in that order.

    Greedy non-maximum suppression. An object with several candidates is judged by its best one.

    Args:
        iou: a mask goes when its IoU with a better one is greater than this.
        on: compare the "mask" pixel by pixel, or its "box".
        within_label: only masks of one label compete.

    Raises:
        DataError: ``iou`` is not a number from 0 to 1, ``on`` is a choice that is not listed.
    """

    iou: Fraction = 0.7
    on: Literal["mask", "box"] = "mask"
    within_label: bool = False

    def run(self, masks: Masks) -> Masks:
        if not len(masks):
            return masks
        best = masks.best()
        scores = best.iou_scores[:, 0]
        groups = _label_groups(masks) if self.within_label else None
        if self.on == "box":
            kept = box_nms(best.boxes(), scores, self.iou, groups)
        else:
            kept = mask_nms(best.rle(), scores, self.iou, groups)
        return masks.select(kept, step=self.describe())


def _label_groups(masks: Masks) -> np.ndarray | None:
    names = masks.prompts.labels if masks.prompts.labels is not None else masks.prompts.class_ids
    return None if names is None else np.unique(np.asarray(names), return_inverse=True)[1]
