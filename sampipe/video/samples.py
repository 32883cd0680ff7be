"""A sample image as a clip: a camera that moves over it. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sampipe.types import Image

FPS = 12.0
FRAMES = 36
_SHARE = 0.8  # of the image's sides that a frame shows


def moving_camera(photo: Image) -> Iterator[Image]:
    """Frames that go once around the image, made one by one; their pixels are the image's own."""
    width, height = (max(1, int(side * _SHARE) // 2 * 2) for side in photo.wh)
    room = np.array([photo.width - width, photo.height - height])
    for number in range(FRAMES):
        turn = 2 * np.pi * number / FRAMES
        x, y = (room * (0.5 + 0.5 * np.array([np.cos(turn), np.sin(turn)]))).astype(int)
        yield Image.from_array(photo.pixels[y : y + height, x : x + width])
