"""Frame: the resize and pad, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampipe.errors import DataError
from sampipe.types import Frame

sides = st.integers(1, 20_000)


@pytest.mark.parametrize(
    ("original", "resized"),
    [
        ((480, 640), (768, 1024)),
        ((640, 480), (1024, 768)),
        ((1024, 1024), (1024, 1024)),
        ((1, 1), (1024, 1024)),
        ((1, 20_000), (1, 1024)),
        ((427, 640), (683, 1024)),  # 683.2, rounded
        ((3, 4096), (1, 1024)),  # 0.75, rounded
    ],
)
def test_fit_is_the_reference_rounding(original: tuple[int, int], resized: tuple[int, int]) -> None:
    frame = Frame.fit(original, 1024)
    assert (frame.original_hw, frame.resized_hw, frame.input_size) == (original, resized, 1024)


@given(sides, sides, st.sampled_from([64, 512, 1024]))
def test_points_return_to_where_they_were(height: int, width: int, size: int) -> None:
    frame = Frame.fit((height, width), size)
    corners = np.array([[0, 0], [width, height], [width / 3, height / 7]], dtype=np.float32)
    there = frame.points_to_input(corners)
    assert there.dtype == np.float32
    assert (there[..., 0] <= frame.resized_hw[1] * (1 + 1e-6)).all()
    assert (there[..., 1] <= frame.resized_hw[0] * (1 + 1e-6)).all()
    np.testing.assert_allclose(frame.points_to_original(there), corners, rtol=1e-5, atol=1e-3)


@given(sides, sides)
def test_boxes_are_two_points(height: int, width: int) -> None:
    frame = Frame.fit((height, width), 1024)
    boxes = np.array([[0, 0, width, height], [1, 2, 3, 4]], dtype=np.float32)
    corners = frame.points_to_input(boxes.reshape(-1, 2)).reshape(-1, 4)
    np.testing.assert_array_equal(frame.boxes_to_input(boxes), corners)
    np.testing.assert_allclose(corners[0], [0, 0, *frame.resized_hw[::-1]], rtol=1e-6)


def test_no_points_and_no_boxes() -> None:
    frame = Frame.fit((10, 20), 64)
    assert frame.points_to_input(np.zeros((0, 2))).shape == (0, 2)
    assert frame.boxes_to_input(np.zeros((0, 4))).shape == (0, 4)


def test_content_is_what_is_not_padding() -> None:
    assert Frame.fit((480, 640), 1024).content_hw(256) == (192, 256)
    assert Frame.fit((1, 20_000), 1024).content_hw(256) == (1, 256)


def test_frames_are_equal_by_value() -> None:
    assert Frame.fit((3, 4), 8) == Frame.fit((3, 4), 8)
    assert Frame.identity((3, 4)) == Frame((3, 4), (3, 4), 4)


def test_nonsense_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="sides start at 1"):
        Frame.fit((0, 5), 1024)
    with pytest.raises(DataError, match="does not fit into a square of 8"):
        Frame((4, 4), (9, 9), 8)
    with pytest.raises(DataError, match=r"wanted \(height, width\)"):
        Frame((4, 0), (4, 4), 8)
    with pytest.raises(DataError, match=r"points: got shape \(3,\), wanted \(..., 2\)"):
        Frame.fit((4, 4), 8).points_to_input([1, 2, 3])
    with pytest.raises(DataError, match="boxes: got shape"):
        Frame.fit((4, 4), 8).boxes_to_input([1, 2, 3])
