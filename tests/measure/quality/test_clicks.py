"""Where the simulated person clicks, by hand and against OpenCV's distance transform."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sampipe.measure.quality.clicks import Click, center_click, correction, random_click


def square(hw: tuple[int, int], x: int, y: int, side: int) -> np.ndarray:
    mask = np.zeros(hw, bool)
    mask[y : y + side, x : x + side] = True
    return mask


def test_the_middle_of_a_square_is_its_middle_and_the_borders_of_the_image_count() -> None:
    assert center_click(square((50, 60), 20, 10, 9)) == Click(24, 14, 1)
    assert center_click(np.ones((9, 9), bool)) == Click(4, 4, 1)


def test_a_ring_is_clicked_on_itself_not_in_its_hole() -> None:
    ys, xs = np.mgrid[:60, :60]
    radius = np.hypot(xs - 30, ys - 30)
    ring = (radius < 25) & (radius > 15)
    click = center_click(ring)
    assert ring[click.y, click.x]


def test_a_random_click_is_on_the_object_and_every_pixel_has_its_turn() -> None:
    mask = square((20, 30), 4, 5, 3)
    rng = np.random.default_rng(0)
    found = {random_click(mask, rng)[:2] for _ in range(200)}
    assert found == {(x, y) for x in (4, 5, 6) for y in (5, 6, 7)}


def test_the_deeper_error_is_mended_first() -> None:
    truth, answer = square((60, 60), 5, 5, 21), square((60, 60), 40, 40, 11)
    assert correction(answer, truth) == Click(15, 15, 1)
    assert correction(truth | answer, truth) == Click(45, 45, 0)


def test_no_error_no_click_and_no_pixel_twice() -> None:
    truth = square((30, 30), 10, 10, 5)
    nothing = np.zeros_like(truth)
    assert correction(truth, truth) is None
    first = correction(nothing, truth)
    assert first == Click(12, 12, 1)
    assert correction(nothing, truth, [first]) != first
    assert correction(nothing, square((30, 30), 2, 2, 1), [Click(2, 2, 1)]) is None


@pytest.mark.parametrize("seed", range(5))
def test_as_opencv_measures_depth(seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.random((2, 8, 10)) > 0.5
    answer, truth = (np.kron(one, np.ones((7, 6), bool)) for one in coarse)
    depths = []
    for region in (truth & ~answer, answer & ~truth):
        padded = np.pad(region, 1).astype(np.uint8)
        depths.append(cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1])
    click = correction(answer, truth)
    assert click is not None
    assert click.label == (depths[0].max() > depths[1].max())
    assert depths[1 - click.label][click.y, click.x] == pytest.approx(max(one.max() for one in depths), abs=1e-4)
