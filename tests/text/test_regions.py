"""From a heat map to boxes, points and masks, inside the image and its padding left out."""

from __future__ import annotations

import numpy as np
import pytest

from sampipe.text.regions import find_regions
from sampipe.types import Frame

FRAME = Frame.fit((100, 200), 64)  # the lower half of the square is padding


def heat(*boxes: tuple[int, int, int, int], side: int = 32) -> np.ndarray:
    logits = np.full((side, side), -3.0, np.float32)
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        logits[y0:y1, x0:x1] = 1.0 + number
    return logits


def regions(logits: np.ndarray, **changed: object) -> list:
    options = {"threshold": 0.0, "margin": 0.0, "least": 0.0, "min_share": 0.0, "points": 2, "split": True} | changed
    return find_regions(logits, FRAME, **options)


def test_each_part_is_a_region_largest_first_in_pixels_of_the_image() -> None:
    found = regions(heat((0, 0, 4, 4), (16, 4, 32, 12)))
    assert [region.box.tolist() for region in found] == [[100, 25, 200, 75], [0, 0, 25, 25]]
    for region in found:
        x0, y0, x1, y1 = region.box
        assert ((region.points >= [x0, y0]) & (region.points < [x1, y1])).all()
        assert not np.array_equal(region.points[0], region.points[1])


def test_without_split_all_parts_are_one() -> None:
    [region] = regions(heat((0, 0, 4, 4), (16, 4, 32, 12)), split=False)
    assert region.box.tolist() == [0, 0, 200, 75]


def test_the_mask_of_a_part_leaves_the_others_out() -> None:
    large, small = regions(heat((0, 0, 4, 4), (16, 4, 32, 12)))
    assert (large.logits > 0).sum() == 16 * 8 and (small.logits > 0).sum() == 16
    assert not ((large.logits > 0) & (small.logits > 0)).any()


def test_padding_is_no_part_of_the_image() -> None:
    assert regions(heat((0, 20, 32, 32))) == []
    [region] = regions(heat((0, 12, 32, 32)))
    assert region.box.tolist() == [0, 75, 200, 100]


def test_small_parts_are_dropped_by_their_share_of_the_image() -> None:
    assert len(regions(heat((0, 0, 2, 2), (8, 0, 24, 8)), min_share=0.02)) == 1


def test_the_score_is_the_mean_probability() -> None:
    [region] = regions(heat((4, 4, 8, 8)))
    assert region.score == pytest.approx(1 / (1 + np.exp(-1.0)))


def test_nothing_above_the_threshold_is_no_region() -> None:
    assert regions(heat()) == []


def test_the_threshold_comes_down_to_the_surest_place_and_no_further_than_least() -> None:
    unsure = heat((4, 4, 8, 8)) - 2.5  # -1.5 where the thing is, -5.5 elsewhere
    assert regions(unsure) == []
    [region] = regions(unsure, margin=2.0, least=-3.0)
    assert region.box.tolist() == [25, 25, 50, 50] and (region.logits > 0).sum() == 16
    assert regions(unsure, margin=2.0, least=-1.0) == []
