"""Boundary IoU beside what can be counted by hand, and beside its definition by dilations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sampipe.measure.quality.boundary_iou import boundary, boundary_iou
from sampipe.types import RLE

HW = (30, 40)  # a diagonal of 50 pixels, so the boundary is one pixel wide


def box(x0: int, y0: int, x1: int, y1: int, hw: tuple[int, int] = HW) -> RLE:
    mask = np.zeros(hw, bool)
    mask[y0:y1, x0:x1] = True
    return RLE.from_mask(mask)


def test_two_squares_by_hand() -> None:
    """10 x 10 pixels have a ring of 36. One step to the right, the upper and lower rows share 9 pixels each, and the
    columns none but the corners of those rows: 18 of 36 + 36 - 18."""
    assert boundary_iou(box(5, 5, 15, 15), box(6, 5, 16, 15)) == pytest.approx(18 / 54)


def test_a_hole_costs_more_than_in_plain_iou() -> None:
    whole, hollow = box(5, 5, 25, 25), box(5, 5, 25, 25).decode().copy()
    hollow[14:16, 14:16] = False
    assert boundary_iou(RLE.from_mask(hollow), whole) == pytest.approx(76 / (76 + 12))  # the ring around the hole
    assert boundary_iou(whole, whole) == 1


def test_the_edge_of_the_image_is_an_outline() -> None:
    assert boundary(np.ones((6, 8), bool), 1).sum() == 48 - 4 * 6


def test_nothing_and_something() -> None:
    assert boundary_iou(RLE.empty(HW), RLE.empty(HW)) == 1
    assert boundary_iou(RLE.empty(HW), box(5, 5, 15, 15)) == 0


@pytest.mark.parametrize("seed", range(4))
def test_as_defined_by_erosions(seed: int) -> None:
    """A mask without what is left of it after d erosions by 3 x 3 pixels, beyond the image none of it."""
    rng = np.random.default_rng(seed)
    hw = (90, 120)  # a diagonal of 150: three pixels
    masks = [ndimage.gaussian_filter(rng.normal(size=hw), 6) > 0 for _ in range(2)]
    rings = [mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=3) for mask in masks]
    wanted = (rings[0] & rings[1]).sum() / (rings[0] | rings[1]).sum()
    assert boundary_iou(*(RLE.from_mask(mask) for mask in masks)) == pytest.approx(wanted)
