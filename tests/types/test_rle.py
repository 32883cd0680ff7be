"""RLE: the same pixels, never built where runs do."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sampipe.errors import DataError
from sampipe.types import RLE
from sampipe.types.rle import encode_many, iou_matrix, merge

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))
pairs = hnp.array_shapes(min_dims=2, max_dims=2, max_side=10).flatmap(
    lambda shape: st.tuples(hnp.arrays(np.bool_, shape), hnp.arrays(np.bool_, shape))
)


def tight_box(mask: np.ndarray) -> list[int]:
    y, x = np.nonzero(mask)
    return [x.min(), y.min(), x.max() + 1, y.max() + 1] if len(y) else [0, 0, 0, 0]


@given(masks)
def test_round_trip(mask: np.ndarray) -> None:
    rle = RLE.from_mask(mask)
    np.testing.assert_array_equal(rle.decode(), mask)
    assert rle.decode().dtype == np.bool_
    assert rle.hw == mask.shape
    assert rle.area == mask.sum()
    assert rle.box.tolist() == tight_box(mask)


@given(masks)
def test_coco_round_trip_and_equality_by_value(mask: np.ndarray) -> None:
    rle = RLE.from_mask(mask)
    told = json.loads(json.dumps(rle.to_coco()))
    assert RLE.from_coco(told) == rle
    assert hash(RLE.from_coco(told)) == hash(rle)
    runs = np.diff(np.flatnonzero(np.diff(mask.T.ravel(), prepend=False, append=not mask[-1, -1])), prepend=0)
    assert RLE.from_coco({"size": list(mask.shape), "counts": runs.tolist()}) == rle
    assert pickle.loads(pickle.dumps(rle)) == rle


@given(masks, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_place(mask: np.ndarray, left: int, top: int, right: int, bottom: int) -> None:
    whole = np.pad(mask, ((top, bottom), (left, right)))
    assert RLE.from_mask(mask).place((left, top), whole.shape) == RLE.from_mask(whole)


@given(pairs)
def test_iou_and_merge(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    left, right = RLE.from_mask(a), RLE.from_mask(b)
    union = (a | b).sum()
    assert iou_matrix([left], [right])[0, 0] == pytest.approx((a & b).sum() / union if union else 0.0)
    assert merge([left, right]).decode().tolist() == (a | b).tolist()
    assert merge([left, right], intersect=True).decode().tolist() == (a & b).tolist()


def test_a_hole_an_empty_a_full_and_a_single_pixel() -> None:
    ring = np.ones((5, 7), dtype=bool)
    ring[2, 3] = False
    for mask in (
        ring,
        np.zeros((5, 7), bool),
        np.ones((5, 7), bool),
        np.ones((1, 1), bool),
        np.zeros((1, 1), bool),
    ):
        assert RLE.from_mask(mask).decode().tolist() == mask.tolist()
    assert RLE.empty((5, 7)) == RLE.from_mask(np.zeros((5, 7)))
    assert RLE.empty((5, 7)).box.tolist() == [0, 0, 0, 0]


def test_encode_many_reads_transposed_masks() -> None:
    stack = np.random.default_rng(0).random((3, 6, 4)) < 0.5
    encoded = encode_many(stack.transpose(0, 2, 1).astype(np.uint8))
    assert encoded == encode_many(stack.transpose(0, 2, 1))
    assert encoded == [RLE.from_mask(mask) for mask in stack]
    assert encode_many(np.zeros((0, 4, 6), np.uint8)) == []
    with pytest.raises(DataError, match="wanted uint8"):
        encode_many(stack.astype(np.float32))  # type: ignore[arg-type]


def test_nothing_to_compare() -> None:
    one = RLE.empty((2, 2))
    assert iou_matrix([], []).shape == (0, 0)
    assert iou_matrix([one], []).shape == (1, 0)
    with pytest.raises(DataError, match="at least one"):
        merge([])


def test_a_large_mask_stays_small() -> None:
    disc = np.hypot(*np.ogrid[-500:500, -500:500]) < 400
    assert len(RLE.from_mask(disc).counts) < 6000  # of a million pixels


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ({"size": [2, 2]}, "keys 'size' and 'counts'"),
        ({"size": [2, 2], "counts": "0"}, "the runs cover 0 pixels"),
        ({"size": [3, 3], "counts": RLE.empty((2, 2)).to_coco()["counts"]}, "cover 4 pixels"),
        ({"size": [2, 2], "counts": ""}, "not COCO's compressed runs"),
        ({"size": [2, 2], "counts": "\x01é"}, "not COCO's compressed runs"),
        ({"size": [2, 2], "counts": "oooooooooooo0"}, "longer than any image"),
        ({"size": [2, 2], "counts": "111K"}, "negative"),
        ({"size": [2, 2], "counts": "o"}, "cut short"),
        ({"size": [2, 2], "counts": [1.5, 2.5]}, "whole numbers"),
        ({"size": [2, 2], "counts": [5, -1]}, "whole numbers"),
        ({"size": [2, 2], "counts": {"a": 1}}, "run lengths"),
        ({"size": [0, 2], "counts": "0"}, "at least 1"),
        ({"size": "ab", "counts": "0"}, r"wanted \(height, width\)"),
    ],
)
def test_damaged_runs_never_reach_the_decoder(segmentation: dict[str, object], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        RLE.from_coco(segmentation)


@given(st.binary(max_size=40))
def test_random_bytes_are_runs_or_a_data_error(counts: bytes) -> None:
    try:
        rle = RLE((8, 8), counts)
    except DataError:
        return
    assert rle.decode().sum() == rle.area


def test_masks_of_other_sizes_are_refused() -> None:
    a, b = RLE.empty((2, 3)), RLE.empty((3, 2))
    with pytest.raises(DataError, match="different sizes"):
        iou_matrix([a], [b])
    with pytest.raises(DataError, match="different sizes"):
        merge([a, b])
    with pytest.raises(DataError, match="reaches beyond"):
        a.place((1, 1), (2, 3))
    with pytest.raises(DataError, match=r"got shape \(3,\)"):
        RLE.from_mask([1, 0, 1])


def test_zero_length_runs_from_outside_are_the_same_mask() -> None:
    assert RLE.from_coco({"size": [2, 2], "counts": [1, 1, 0, 1, 1, 0]}) == RLE.from_coco(
        {"size": [2, 2], "counts": [1, 2, 1]}
    )


def test_merged_masks_are_equal_to_masks_of_the_same_pixels() -> None:
    left, whole = np.zeros((4, 6), bool), np.ones((4, 6), bool)
    left[:, :3] = True
    assert merge([RLE.from_mask(left), RLE.from_mask(~left)]) == RLE.from_mask(whole)
    assert merge([RLE.from_mask(left), RLE.from_mask(whole)], intersect=True) == RLE.from_mask(left)


def test_runs_of_no_length_change_nothing() -> None:
    """Five of background, none, one of background more, three of foreground: written like that by others."""
    mask = RLE((1, 9), b"5013")
    np.testing.assert_array_equal(mask.window(), mask.decode()[:, 6:9])
    np.testing.assert_array_equal(mask.box, [6, 0, 9, 1])
