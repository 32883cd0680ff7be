"""Painted masks are what supervision's annotator paints."""

from __future__ import annotations

import numpy as np
import pytest
import supervision as sv
from scipy.ndimage import binary_dilation

from sampipe import RLE
from sampipe.types._paint import blend, paint
from sampipe.types.overlay import _grown

RANDOM = np.random.default_rng(0)
SCENE = RANDOM.integers(0, 256, (90, 120, 3)).astype(np.uint8)
PALETTE = np.array([color.as_bgr() for color in sv.ColorPalette.DEFAULT.colors], np.uint8)


def some_masks() -> np.ndarray:
    masks = np.zeros((30, 90, 120), bool)
    for mask, (x, y, wide, high) in zip(masks, RANDOM.integers(2, 60, (30, 4)), strict=True):
        mask[y : y + high, x : x + wide] = RANDOM.random((len(mask[y : y + high]), wide)) < 0.9
    return masks


@pytest.mark.parametrize("opacity", [0.0, 0.3, 0.5, 1.0])
def test_as_supervision_paints(opacity: float) -> None:
    masks = some_masks()
    boxes = sv.mask_to_xyxy(masks).astype(np.float32)
    objects = sv.Detections(boxes, masks, class_id=np.arange(len(masks)))
    theirs = sv.MaskAnnotator(opacity=opacity).annotate(SCENE.copy(), objects)
    ours = paint(SCENE, [RLE.from_mask(mask) for mask in masks], PALETTE, opacity)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_the_scene_and_what_is_not_covered_stay() -> None:
    before, layer = SCENE.copy(), np.zeros(SCENE.shape[:2], np.uint8)
    layer[:10, :10] = 3
    ours = SCENE.copy()
    blend(ours, layer, PALETTE, 1.0)
    assert (before == SCENE).all() and (ours[layer == 0] == SCENE[layer == 0]).all()
    assert (ours[:10, :10] == PALETTE[2]).all()


def test_an_empty_mask_paints_nothing() -> None:
    assert (paint(SCENE, [RLE.empty((90, 120))], PALETTE, 0.5) == SCENE).all()


def test_windows_of_masks() -> None:
    for mask in [*some_masks(), np.ones((3, 4), bool), np.eye(5, dtype=bool)]:
        rle = RLE.from_mask(mask)
        x0, y0, x1, y1 = (int(side) for side in rle.box)
        np.testing.assert_array_equal(rle.window(), mask[y0:y1, x0:x1])
    assert RLE.empty((3, 4)).window().size == 0


@pytest.mark.parametrize(("square", "diamond"), [(0, 1), (2, 0), (3, 5)])
@pytest.mark.parametrize("hw", [(1, 1), (9, 8), (23, 37)])
def test_outlines_are_dilations_by_a_square_and_a_diamond(hw: tuple[int, int], square: int, diamond: int) -> None:
    mask = np.random.default_rng(0).random(hw) < 0.1
    wanted = mask
    for kernel, times in ((np.ones((3, 3), bool), square), (None, diamond)):
        wanted = binary_dilation(wanted, kernel, iterations=times) if times else wanted
    assert (_grown(mask, square=square, diamond=diamond) == wanted).all()
