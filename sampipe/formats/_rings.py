"""From outlines to pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw


def fill(ring: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
    """The pixels, bool (h, w), whose centre lies in a ring (k, 2) of pixel-edge coordinates.

    Exact for rings along the pixels' edges. Pillow fills its outlines, too, so the picture is drawn at twice the size:
    there the outlines lie on even coordinates, and the centres, which count, on odd ones.
    """
    canvas = Pillow.new("1", (2 * hw[1] + 1, 2 * hw[0] + 1))
    ImageDraw.Draw(canvas).polygon([(2 * x, 2 * y) for x, y in ring.tolist()], fill=1)
    return np.asarray(canvas)[1::2, 1::2].astype(bool)
