"""Boxes that found one thing agree on where it is."""

from __future__ import annotations

import numpy as np
import pytest

from sampipe.types.nms import box_nms, vote_boxes


def test_a_box_moves_to_the_mean_of_those_around_it_by_their_scores() -> None:
    boxes = np.array([[0, 0, 100, 100], [10, 0, 110, 100]], float)
    scores, groups = np.array([0.6, 0.3]), np.zeros(2, int)
    kept = box_nms(boxes, scores, 0.5, groups)
    assert kept.tolist() == [0]
    overlap = 90 / 110
    share = 0.3 * np.exp(-((1 - overlap) ** 2) / 0.05)
    moved = 10 * share / (0.6 + share)
    assert vote_boxes(boxes, kept, scores, groups) == pytest.approx(np.array([[moved, 0, 100 + moved, 100]]))


def test_boxes_of_other_groups_and_far_ones_have_no_vote() -> None:
    boxes = np.array([[0, 0, 100, 100], [10, 0, 110, 100], [60, 0, 160, 100]], float)
    scores, groups = np.array([0.6, 0.9, 0.5]), np.array([0, 1, 0])
    kept = box_nms(boxes, scores, 0.9, groups)
    assert np.array_equal(vote_boxes(boxes, kept, scores, groups), boxes[kept])


def test_boxes_without_any_score_stay_and_none_give_none() -> None:
    boxes, nothing = np.array([[0, 0, 10, 10]], float), np.zeros(1)
    assert np.array_equal(vote_boxes(boxes, np.array([0]), nothing, np.zeros(1, int)), boxes)
    empty = np.zeros((0, 4))
    assert vote_boxes(empty, np.zeros(0, int), np.zeros(0), np.zeros(0, int)).shape == (0, 4)
