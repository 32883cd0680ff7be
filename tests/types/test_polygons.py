"""Polygons: filled again, they are the mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from sampipe.errors import DataError
from sampipe.types import RLE, Polygon
from sampipe.types.polygons import rle_polygons, trace


def fill(polygons: list[Polygon], hw: tuple[int, int]) -> np.ndarray:
    """Even-odd filling at pixel centres, one edge at a time: flips everything right of it."""
    rows, columns = np.arange(hw[0])[:, None] + 0.5, np.arange(hw[1]) + 0.5
    inside = np.zeros(hw, bool)
    for polygon in polygons:
        for ring in (polygon.exterior, *polygon.holes):
            for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if y0 != y1:
                    crosses = (rows > min(y0, y1)) & (rows < max(y0, y1))
                    inside ^= crosses & (columns > x0 + (rows - y0) * (x1 - x0) / (y1 - y0))
    return inside


def signed_area(ring: np.ndarray) -> float:
    x, y = ring.astype(float).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_filled_again_they_are_the_mask(mask: np.ndarray) -> None:
    polygons = rle_polygons(RLE.from_mask(mask))
    np.testing.assert_array_equal(fill(polygons, mask.shape), mask)
    assert sum(polygon.area for polygon in polygons) == mask.sum()
    assert len(polygons) == ndimage.label(mask)[1]
    for polygon in polygons:
        assert signed_area(polygon.exterior) > 0  # clockwise where y points down
        assert all(signed_area(hole) < 0 for hole in polygon.holes)
        for ring in (polygon.exterior, *polygon.holes):
            assert len(np.unique(ring, axis=0)) == len(ring)  # simple: no corner twice
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps == 0).sum(axis=1) == 1).all()  # along pixel edges, and every corner is one
            assert ((steps[:, 0] == 0) != (np.roll(steps, 1, axis=0)[:, 0] == 0)).all()


@pytest.mark.parametrize("density", [0.3, 0.5, 0.7])
def test_noise_with_every_kind_of_touch(density: float) -> None:
    rng = np.random.default_rng(int(10 * density))
    for _ in range(30):
        mask = rng.random((14, 17)) < density
        np.testing.assert_array_equal(fill(trace(mask), mask.shape), mask)


def test_holes_belong_to_their_part() -> None:
    mask = np.zeros((12, 20), bool)
    mask[1:11, 1:11] = True
    mask[3:9, 3:9] = False  # a hole
    mask[5:7, 5:7] = True  # and an island in it
    mask[2:5, 14:18] = True  # another part
    mask[3, 15] = False
    outer, island, other = sorted(trace(mask), key=lambda polygon: -polygon.area)[0:3:1]
    assert (outer.area, len(outer.holes)) == (100 - 36, 1)
    assert outer.holes[0].min(axis=0).tolist() == [3, 3] and outer.holes[0].max(axis=0).tolist() == [9, 9]
    assert sorted((polygon.area, len(polygon.holes)) for polygon in (island, other)) == [(4, 0), (11, 1)]


def test_corners_are_pixel_edges() -> None:
    mask = np.zeros((5, 6), bool)
    mask[1:3, 2:5] = True
    (polygon,) = rle_polygons(RLE.from_mask(mask))
    assert polygon.exterior.tolist() == [[2, 1], [5, 1], [5, 3], [2, 3]]
    assert polygon.exterior.dtype == np.float32
    assert repr(polygon) == "Polygon(4 corners, 0 holes)"


def test_nothing_has_no_outline() -> None:
    assert rle_polygons(RLE.empty((5, 5))) == []
    assert trace(np.zeros((3, 3), bool)) == []


def test_a_tolerance_saves_corners() -> None:
    disc = np.hypot(*np.ogrid[-60:61, -60:61]) < 50
    disc &= np.hypot(*np.ogrid[-60:61, -60:61]) > 20
    runs = RLE.from_mask(disc)
    (exact,), (coarse,) = rle_polygons(runs), rle_polygons(runs, tolerance=1.0)
    assert len(coarse.exterior) < len(exact.exterior) / 4
    assert len(coarse.holes) == 1
    again = fill([coarse], disc.shape)
    edge = ndimage.binary_dilation(disc, iterations=2) & ~ndimage.binary_erosion(disc, iterations=2)
    np.testing.assert_array_equal(again[~edge], disc[~edge])
    (pixel,) = rle_polygons(RLE.from_mask(np.ones((1, 1))), tolerance=50)
    assert pixel.area == 1  # never simplified away


def test_rings_are_refused_in_words_and_read_only() -> None:
    with pytest.raises(DataError, match=r"got \(2, 2\), wanted \(k, 2\) with at least 3 corners"):
        Polygon(np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="read-only"):
        trace(np.ones((2, 2), bool))[0].exterior[0] = 5
