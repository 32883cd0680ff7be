from __future__ import annotations

import numpy as np
import pytest
from drawings import drawing, mask, masks_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sampipe import DataError, Masks
from sampipe.nodes import CleanMasks
from sampipe.nodes.masks.clean import clean_mask
from sampipe.types import RLE

RING_AND_DOT = mask(
    "........",
    ".####...",
    ".#..#..#",
    ".####...",
    "........",
)


def cleaned(pixels: np.ndarray, **parameters: int) -> list[str]:
    masks = CleanMasks(**parameters)(masks_of([pixels]))
    return drawing(masks.rle()[0])


def test_holes_below_the_limit_are_filled() -> None:
    assert cleaned(RING_AND_DOT, max_hole=3, min_island=0) == [
        "........",
        ".####...",
        ".####..#",
        ".####...",
        "........",
    ]
    assert cleaned(RING_AND_DOT, max_hole=2, min_island=0) == drawing(RLE.from_mask(RING_AND_DOT))


def test_islands_below_the_limit_go() -> None:
    assert cleaned(RING_AND_DOT, max_hole=0, min_island=2) == [
        "........",
        ".####...",
        ".#..#...",
        ".####...",
        "........",
    ]
    assert cleaned(RING_AND_DOT, max_hole=0, min_island=1) == drawing(RLE.from_mask(RING_AND_DOT))


def test_the_largest_island_always_stays() -> None:
    assert cleaned(mask("#...##"), max_hole=0, min_island=100) == ["....##"]


def test_pixels_that_touch_at_a_corner_are_one_island() -> None:
    assert cleaned(mask("#.", ".#"), max_hole=0, min_island=2) == ["#.", ".#"]


def test_a_bay_is_no_hole() -> None:
    bay = mask("###", "#..", "###")
    assert cleaned(bay, max_hole=100, min_island=0) == ["###", "#..", "###"]


def test_background_in_a_corner_of_the_picture_is_no_hole() -> None:
    assert cleaned(mask(".##", "###", "###"), max_hole=100, min_island=0) == [".##", "###", "###"]


def test_scores_and_prompts_stay_and_the_step_is_noted() -> None:
    masks = masks_of([RING_AND_DOT], ious=[0.9], labels=["ring"])
    after = CleanMasks(max_hole=5)(masks)
    assert after.iou_scores.tolist() == masks.iou_scores.tolist()
    assert after.prompts.labels == ("ring",)
    assert after.history == (("CleanMasks(max_hole=5)",),)


def test_a_mask_that_is_clean_is_the_same_value() -> None:
    rle = RLE.from_mask(mask("##", "##"))
    assert clean_mask(rle, 100, 100) is rle


def test_empty_masks_stay_empty() -> None:
    assert cleaned(mask("...", "..."), max_hole=100, min_island=100) == ["...", "..."]
    assert len(CleanMasks()(Masks.empty((3, 3)))) == 0


def test_limits_that_do_not_fit() -> None:
    with pytest.raises(DataError, match=r"max_hole=-1 .* whole number, at least 0"):
        CleanMasks(max_hole=-1)


@given(arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.integers(0, 9), st.integers(0, 9))
def test_cleaning_the_box_is_cleaning_the_picture(pixels: np.ndarray, hole: int, island: int) -> None:
    from skimage.measure import label

    expected = pixels.copy()
    outside = label(np.pad(~pixels, 1, constant_values=True), connectivity=2)
    for value in np.unique(outside[outside > 0]):
        if value != outside[0, 0] and (outside == value).sum() < hole:
            expected |= (outside == value)[1:-1, 1:-1]
    parts = label(expected, connectivity=2)
    sizes = np.bincount(parts.ravel())
    if len(sizes) > 1:
        largest = 1 + sizes[1:].argmax()
        for value in range(1, len(sizes)):
            if sizes[value] < island and not (value == largest and sizes[largest] < island):
                expected &= parts != value
    np.testing.assert_array_equal(clean_mask(RLE.from_mask(pixels), hole, island).decode(), expected)
