from __future__ import annotations

import itertools

import numpy as np
import pytest
from skimage.morphology import thin

from sampipe.errors import DataError
from sampipe.measure.quality.bsds import EdgeCounts, count_edges, score_edges, threshold_values
from sampipe.measure.quality.bsds_match import PixelSet, correspond


def contour(seed: int = 0, hw: tuple[int, int] = (60, 80)) -> np.ndarray:
    """The outlines of a few rectangles, one pixel wide."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(hw, bool)
    for _ in range(3):
        (y0, y1), (x0, x1) = np.sort(rng.choice(hw[0], 2, replace=False)), np.sort(rng.choice(hw[1], 2, replace=False))
        mask[y0 : y1 + 1, [x0, x1]] = mask[[y0, y1], x0 : x1 + 1] = True
    return thin(mask)


def counts(*rows: tuple[int, int, int, int]) -> EdgeCounts:
    return EdgeCounts(*np.array(rows).T)


def test_perfect_edges_score_1() -> None:
    scores = score_edges([count_edges(truth.astype(float), [truth]) for truth in (contour(1), contour(2))])
    assert (scores.ods, scores.ois, scores.ap, scores.r50) == (1, 1, 1, 1)


def test_edges_of_another_image_do_not() -> None:
    truths = [contour(seed) for seed in range(4)]
    shuffled = [count_edges(edges.astype(float), [truth]) for edges, truth in itertools.pairwise(truths)]
    scores = score_edges(shuffled)
    assert scores.ods < 0.4
    assert scores.ap < 0.4


def test_no_edge_at_all_scores_0() -> None:
    scores = score_edges([count_edges(np.zeros((60, 80)), [contour()])])
    assert (scores.ods, scores.ois, scores.ap, scores.r50) == (0, 0, 0, 0)


def test_edges_of_random_strength_lose_recall_and_no_precision() -> None:
    truth = contour(5)
    strength = truth * np.random.default_rng(0).uniform(0.001, 1, truth.shape)
    found = count_edges(strength, [truth])
    assert (found.precision[found.edges > 0] == 1).all()
    assert (np.diff(found.recall) <= 0).all()
    assert found.recall[0] > 0.95 > 0.1 > found.recall[-1]


def test_a_pixel_counts_for_precision_when_any_annotator_drew_it_and_for_recall_with_each() -> None:
    hw = (40, 100)
    one, other = np.zeros(hw, bool), np.zeros(hw, bool)
    one[10, 10:40], other[30, 10:70] = True, True
    found = count_edges(one.astype(float), [one, other], thresholds=3)
    assert found.matched_truth.tolist() == [30, 30, 30]
    assert found.truth.tolist() == [90, 90, 90]
    assert found.matched_edges.tolist() == found.edges.tolist() == [30, 30, 30]


def test_the_tolerance_is_a_share_of_the_diagonal() -> None:
    truth = np.zeros((300, 400), bool)
    truth[150, 50:350] = True
    for shift, expected in ((3, 300), (4, 0)):  # 0.0075 of 500 pixels are 3.75
        found = count_edges(np.roll(truth, shift, axis=0).astype(float), [truth], thresholds=1)
        assert found.matched_truth.tolist() == [expected]


def test_each_threshold_is_counted_as_if_alone() -> None:
    """Also where a threshold leaves the pixels of the one before, and where lines are thick."""
    rng = np.random.default_rng(3)
    truths = [contour(1), contour(2)]
    strength = np.round(rng.random((60, 80)), 1) * np.roll(contour(1) | contour(3), 1, axis=0)
    strength[20:30, 20:50] = 0.55
    tolerance = 0.0075 * 100
    found = count_edges(strength, truths, thresholds=9)
    for index, threshold in enumerate(threshold_values(9)):
        edges = thin(strength >= threshold)
        by_anybody = np.zeros(int(edges.sum()), bool)
        matched = 0
        for truth in truths:
            of_edges, of_truth = correspond(PixelSet.of(edges, tolerance), PixelSet.of(truth, tolerance), tolerance)
            by_anybody |= of_edges
            matched += int(of_truth.sum())
        assert found.edges[index] == edges.sum()
        assert found.matched_edges[index] == by_anybody.sum()
        assert found.matched_truth[index] == matched


def test_the_figures_of_counts_that_can_be_reckoned_by_hand() -> None:
    """Two thresholds: recall 0.8 at precision 0.4, and recall 0.2 at precision 0.8."""
    image = counts((80, 100, 40, 100), (20, 100, 24, 30))
    scores = score_edges([image])
    line = np.linspace(0, 1, 100)
    recall, precision = 0.8 - 0.6 * line, 0.4 + 0.4 * line
    f = 2 * recall * precision / (recall + precision)
    assert scores.ods == pytest.approx(f.max())
    assert scores.ods_threshold == pytest.approx((1 + line[f.argmax()]) / 3)
    assert scores.ois == pytest.approx(2 * 0.8 * 0.4 / 1.2)
    at = np.arange(20, 81) / 100
    assert scores.ap == pytest.approx((0.8 - (at - 0.2) / 0.6 * 0.4).sum() / 100)
    assert scores.r50 == pytest.approx(0.8 - 0.6 * 0.25)


def test_ois_takes_the_best_threshold_of_each_image() -> None:
    good_low, good_high = counts((90, 100, 90, 100), (10, 100, 10, 10)), counts((90, 100, 10, 300), (90, 100, 90, 100))
    assert score_edges([good_low, good_high]).ois == pytest.approx(0.9)
    assert score_edges([good_low, good_high]).ods < 0.75


@pytest.mark.parametrize("boundaries", [[], [np.zeros((3, 4), bool)]])
def test_annotations_of_another_size_are_an_error(boundaries: list[np.ndarray]) -> None:
    with pytest.raises(DataError, match="boundaries: got"):
        count_edges(np.zeros((4, 4)), boundaries)


def test_no_image_is_an_error() -> None:
    with pytest.raises(DataError, match="no image"):
        score_edges([])
