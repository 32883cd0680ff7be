from __future__ import annotations

import numpy as np
from drawings import mask
from hypothesis import given
from hypothesis import strategies as st

from sampipe.types import RLE
from sampipe.types.nms import box_nms, mask_nms
from sampipe.types.rle import iou_matrix

BOXES = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10], [0, 0, 10, 10]], np.float32)


def test_the_best_of_duplicates_stays() -> None:
    assert box_nms(BOXES, np.array([0.5, 0.9, 0.7, 0.4]), iou=0.7).tolist() == [1, 2]


def test_overlap_at_the_threshold_stays() -> None:
    assert box_nms(BOXES[:2], np.array([0.9, 0.5]), iou=0.9).tolist() == [0, 1]


def test_equal_scores_keep_their_order_and_nan_comes_last() -> None:
    assert box_nms(BOXES[[0, 2, 3]], np.array([0.5, 0.5, 0.5]), iou=0.7).tolist() == [0, 1]
    assert box_nms(BOXES[[0, 2]], np.array([np.nan, -5.0]), iou=0.7).tolist() == [1, 0]


def test_groups_do_not_compete() -> None:
    kept = box_nms(BOXES, np.array([0.5, 0.9, 0.7, 0.4]), iou=0.7, groups=np.array([0, 1, 0, 1]))
    assert kept.tolist() == [1, 2, 0]


def test_nothing_and_boxes_without_area() -> None:
    assert box_nms(np.zeros((0, 4)), np.zeros(0), iou=0.5).tolist() == []
    assert box_nms(np.zeros((2, 4)), np.zeros(2), iou=0.0).tolist() == [0, 1]


def test_masks_with_one_box_are_told_apart() -> None:
    upper, lower = mask("##", "#."), mask(".#", "##")  # share two of four pixels
    rles = [RLE.from_mask(upper), RLE.from_mask(lower)]
    scores = np.array([0.5, 0.9])
    assert mask_nms(rles, scores, iou=0.5).tolist() == [1, 0]
    assert mask_nms(rles, scores, iou=0.49).tolist() == [1]


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.7]))
def test_bounds_never_change_the_answer(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    rles = [RLE.from_mask(rng.random((6, 7)) < share) for share in rng.random(8)]
    scores = rng.random(8)
    ious = iou_matrix(rles, rles)
    kept: list[int] = []
    for index in np.argsort(-scores):
        if all(ious[index, other] <= threshold for other in kept):
            kept.append(int(index))
    assert mask_nms(rles, scores, threshold).tolist() == kept
