"""Logits to pixels: what the reference's two resizes give, built only where it is not empty."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from scipy import ndimage

from sampipe.types import Frame, Masks, Prompts
from sampipe.types._resample import axes, counts_above, fill, to_window

RNG = np.random.default_rng(0)
CASES = [
    ((480, 640), 1024, 256),
    ((640, 480), 1024, 256),
    ((37, 53), 1024, 256),  # enlarged for the model, then reduced
    ((1, 1), 1024, 256),
    ((1, 300), 512, 128),
    ((700, 5), 512, 128),
    ((999, 1001), 512, 128),
    ((64, 48), 64, 16),
]


def smooth(side: int, sigma: float = 4.0) -> np.ndarray:
    return (ndimage.gaussian_filter(RNG.normal(size=(side, side)), sigma) * 100).astype(np.float32)


def reference(low: np.ndarray, frame: Frame) -> np.ndarray:
    """Bilinear to the square, cut off the padding, bilinear to the image."""
    square = (frame.input_size, frame.input_size)
    height, width = frame.resized_hw
    full = functional.interpolate(torch.from_numpy(low)[None, None], square, mode="bilinear", align_corners=False)
    cut = full[..., :height, :width]
    return functional.interpolate(cut, frame.original_hw, mode="bilinear", align_corners=False)[0, 0].numpy()


@pytest.mark.parametrize(("hw", "size", "low_side"), CASES)
def test_both_resizes_at_once(hw: tuple[int, int], size: int, low_side: int) -> None:
    frame, low = Frame.fit(hw, size), smooth(low_side)
    expected = reference(low, frame)
    rows, columns = axes(frame, low.shape[0])
    np.testing.assert_allclose(rows.weights @ low @ columns.weights.T, expected, atol=1e-4)
    for threshold in (0.0, 2.5, -3.0):
        mask = np.zeros(hw, np.bool_)
        fill(low, frame, threshold, mask)
        sure = np.abs(expected - threshold) > 1e-4  # away from ties
        np.testing.assert_array_equal(mask[sure], (expected > threshold)[sure])
        np.testing.assert_array_equal(to_window(low, frame, threshold).rle(hw).decode(), mask)
        assert abs(counts_above(low, frame, (9.0, threshold))[1] - int(mask.sum())) <= (~sure).sum()


@pytest.mark.parametrize(("hw", "size", "low_side"), CASES)
@pytest.mark.parametrize("spot", [(0, 0), (3, 11), (15, 15)])
def test_a_small_mask_is_found_wherever_it_is(
    hw: tuple[int, int], size: int, low_side: int, spot: tuple[int, int]
) -> None:
    low = np.full((low_side, low_side), -5.0, np.float32)
    low[spot] = 300.0
    frame = Frame.fit(hw, size)
    expected = reference(low, frame) > 0
    mask = np.zeros(hw, np.bool_)
    fill(low, frame, 0.0, mask)
    np.testing.assert_array_equal(mask, expected)
    window = to_window(low, frame, 0.0)
    np.testing.assert_array_equal(window.rle(hw).decode(), expected)
    assert window.transposed.size <= max(64, hw[0] * hw[1])


def test_what_stays_empty_is_not_built() -> None:
    low = np.full((256, 256), -5.0, np.float32)
    low[100:104, 50:52] = 9.0
    window = to_window(low, Frame.fit((2000, 3000), 1024), 0.0)
    assert window.transposed.size < 6000
    assert to_window(low - 100, Frame.fit((2000, 3000), 1024), 0.0).transposed.size == 0


def masks_of(low: np.ndarray, hw: tuple[int, int]) -> Masks:
    return Masks(
        frame=Frame.fit(hw, 1024),
        prompts=Prompts.from_points(np.zeros((len(low), 2))),
        iou_scores=np.full((len(low), 1), 0.5, np.float32),
        logits=torch.from_numpy(low)[:, None],
    )


def test_many_masks_never_lie_in_memory_together() -> None:
    hw = (1500, 2000)
    masks = masks_of(np.stack([smooth(256, 20) + 1 for _ in range(12)]), hw)
    masks.select([0]).rle()  # the matrices of this frame are made once and kept
    tracemalloc.start()
    try:
        runs = masks.rle()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(item.area for item in runs) > 2 * hw[0] * hw[1]
    assert peak < 4 * hw[0] * hw[1]  # bytes: four masks, of twelve


def test_iterating_holds_one_picture() -> None:
    hw = (1500, 2000)
    masks = masks_of(np.stack([smooth(256, 20) + 1 for _ in range(12)]), hw)
    tracemalloc.start()
    try:
        areas = [int(mask.sum()) for mask in masks.iter_binary()]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * hw[0] * hw[1]
    assert areas == masks.area().tolist()


def test_the_order_of_candidates_and_devices_does_not_matter() -> None:
    low = torch.from_numpy(np.stack([smooth(16), smooth(16)]))
    masks = Masks(
        frame=Frame.fit((30, 40), 64),
        prompts=Prompts.from_points([[1, 1]]),
        iou_scores=np.array([[0.1, 0.9]], np.float32),
        logits=low[None].half(),
    )
    expected = reference(low[1].half().float().numpy(), masks.frame) > 0
    np.testing.assert_array_equal(masks.binary()[0], expected)
