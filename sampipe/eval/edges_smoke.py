"""Two made-up photos in BSDS500's layout, for a run that takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sampipe.eval.readers.bsds import write_bsds

_HW = (48, 64)


def write_smoke_photos(folder: Path) -> Path:
    """Two discs on noise, each as two people would draw it; the split is ``val``."""
    y, x = np.mgrid[: _HW[0], : _HW[1]]
    for number in (1, 2):
        noise = np.random.default_rng(number).integers(0, 60, size=(*_HW, 3), dtype=np.uint8)
        discs = [(np.hypot(y - 24, x - 20 - 10 * number) <= radius) + 1 for radius in (14, 15)]
        noise[discs[0] == 2] += 120
        write_bsds(folder, "val", f"smoke{number}", noise, discs)
    return folder
