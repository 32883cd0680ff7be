"""The quick PNG files are PNG files, and hold every pixel."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.data.quick_png import quick_png


@pytest.mark.parametrize("hw", [(1, 1), (3, 1), (1, 7), (300, 41), (513, 8)])
@pytest.mark.parametrize("channels", [3, 4])
def test_it_is_read_back_pixel_by_pixel(hw: tuple[int, int], channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*hw, channels), np.uint8)
    pixels[: hw[0] // 2] = 7
    with Pillow.open(io.BytesIO(quick_png(pixels))) as read:
        read.load()
        assert (read.format, read.mode) == ("PNG", "RGBA" if channels == 4 else "RGB")
        np.testing.assert_array_equal(np.asarray(read), pixels)


def test_what_is_even_is_small() -> None:
    assert len(quick_png(np.zeros((600, 800, 3), np.uint8))) < 10_000
