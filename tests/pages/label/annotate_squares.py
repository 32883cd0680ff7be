"""Square masks on small images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from sampipe.pages.label.record import MaskRecord
from sampipe.types import RLE

HW = (48, 64)


def square(x: int, y: int, side: int = 10, *, label: str = "", accepted: bool = True, **fields: object) -> MaskRecord:
    """A square mask on an image of the folder."""
    mask = np.zeros(HW, bool)
    mask[y : y + side, x : x + side] = True
    return MaskRecord(rle=RLE.from_mask(mask), label=label, accepted=accepted, **fields)  # type: ignore[arg-type]


def write_image(path: Path, seed: int = 0) -> Path:
    """An image of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, size=(*HW, 3), dtype=np.uint8)
    Pillow.fromarray(pixels).save(path)
    return path
