"""Polygons become the pixels that rasterio gives them, and those that shapely says are inside."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize as rasterio_rasterize

from sampipe.errors import DataError
from sampipe.types import RLE
from sampipe.types.polygons import trace
from sampipe.types.rasterize import rasterize

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

HW = (30, 40)
anywhere = st.floats(-25, 70, width=32)
in_grid = st.integers(-5, 45).map(float)
tenths = st.integers(-100, 500).map(lambda value: value / 10 + 0.03)


def by_rasterio(rings, hw=HW):
    closed = [[*map(tuple, ring), tuple(ring[0])] for ring in rings]
    shape = {"type": "Polygon", "coordinates": closed}
    return rasterio_rasterize([(shape, 1)], out_shape=hw, dtype="uint8").astype(bool)


def rings_of(numbers):
    return st.lists(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=9), min_size=1, max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.one_of(rings_of(anywhere), rings_of(in_grid), rings_of(tenths)))
def test_rings_of_any_shape_fill_as_in_rasterio(rings):
    """Crossing rings, holes, touching corners, shapes partly and wholly outside; no centre on a horizontal edge."""
    rings = [[(x, y + 0.001 if y % 1 == 0.5 else y) for x, y in ring] for ring in rings]
    assert np.array_equal(rasterize(rings, HW), by_rasterio(rings))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(anywhere, anywhere), min_size=3, max_size=8))
def test_a_pixel_is_inside_when_shapely_has_its_centre_inside(corners):
    hull = shapely.MultiPoint(corners).convex_hull
    if hull.geom_type != "Polygon":
        return
    ring = np.array(hull.exterior.coords)
    y, x = np.mgrid[: HW[0], : HW[1]] + 0.5
    clear = shapely.distance(hull.boundary, shapely.points(x, y)) > 1e-6  # not on the outline itself
    assert np.array_equal(rasterize([ring], HW)[clear], shapely.contains_xy(hull, x, y)[clear])


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
def test_outlines_fill_to_the_mask_they_came_from(seed, height, width):
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    filled = np.zeros_like(mask)
    for part in trace(mask):
        filled |= rasterize([part.exterior, *part.holes], mask.shape)
    assert np.array_equal(filled, mask)


@pytest.mark.parametrize(
    ("ring", "area"),
    [
        ([[0, 0], [40, 0], [40, 30], [0, 30]], 1200),  # the whole image
        ([[-9, -9], [99, -9], [99, 99], [-9, 99]], 1200),  # and beyond
        ([[7, 5], [8, 5], [8, 6], [7, 6]], 1),  # one pixel
        ([[7.6, 5.6], [8.4, 5.6], [8.4, 6.4], [7.6, 6.4]], 0),  # between the centres
        ([[2.3, 2.3], [6.3, 2.3], [6.3, 6.3], [2.3, 6.3]], 16),  # off the grid
        ([[50, 50], [60, 50], [60, 60]], 0),  # outside
        ([[3, 3], [9, 3]], 0),  # no area
        ([], 0),
        ([[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]], 1200),
    ],
)
def test_areas(ring, area):
    assert RLE.from_mask(rasterize([ring], HW)).area == area
    assert rasterize([ring], HW).shape == HW


def test_no_ring_is_an_empty_mask():
    assert not rasterize([], HW).any()


def test_a_closed_ring_is_the_same_as_an_open_one():
    ring = [[2.2, 3.1], [30.7, 5.9], [12.4, 25.5]]
    assert np.array_equal(rasterize([ring], HW), rasterize([[*ring, ring[0]]], HW))


@pytest.mark.parametrize(
    "ring",
    [
        [[0, 0], [1, np.nan], [1, 1]],
        [[0, 0], [np.inf, 1], [1, 1]],
        [[0, 0], [1e10, 1], [1, 1]],
        [[0, 0, 0], [1, 1, 1]],
        [["a", "b"]],
        [[1, 2], [3]],
        5,
    ],
)
def test_what_is_no_ring_is_refused(ring):
    with pytest.raises(DataError, match="polygon"):
        rasterize([ring], HW)
