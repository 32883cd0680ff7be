"""Video files for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sampipe.types import Image
from sampipe.video import VideoWriter


def write_clip(path: Path, frames: int, *, wh: tuple[int, int] = (64, 48)) -> Path:
    """A real video file: the photo of a cup that gets brighter."""
    photo = np.asarray(Image.open("sample:coffee").to_pil().resize(wh))
    with VideoWriter(path, fps=10) as writer:
        for number in range(frames):
            writer.add(Image.from_array(photo // 2 + np.uint8(3 * (number % 40))))
    return path
