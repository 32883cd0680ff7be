"""What a model from boxes has to beat: a shape without looking, and a classical method that looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.types import RLE, Image

Competitor = Callable[[Image, np.ndarray], list[RLE]]
"""From an image and boxes (n, 4) xyxy, one mask a box."""


def ellipse(image: Image, boxes: np.ndarray) -> list[RLE]:
    """The ellipse that fills each box; a pixel belongs to it when its centre does."""
    return [RLE.from_mask(_ellipse_mask(image.hw, box)) for box in boxes]


def _ellipse_mask(hw: tuple[int, int], xyxy: np.ndarray) -> np.ndarray:
    x1, y1, x2, y2 = (float(value) for value in xyxy)
    ys, xs = np.arange(hw[0])[:, None] + 0.5, np.arange(hw[1])[None, :] + 0.5
    across = (xs - (x1 + x2) / 2) / max((x2 - x1) / 2, 1e-6)
    down = (ys - (y1 + y2) / 2) / max((y2 - y1) / 2, 1e-6)
    return across**2 + down**2 <= 1


def grabcut(image: Image, boxes: np.ndarray, *, iterations: int = 5) -> list[RLE]:
    """GrabCut started from each box (Rother et al., SIGGRAPH 2004), by OpenCV.

    A box that covers the whole image leaves no background to learn from: then the box itself is the answer.

    Raises:
        MissingDependencyError: OpenCV is not installed.
    """
    cv2 = require("cv2", "eval")
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(image.pixels[:, :, ::-1])
    return [RLE.from_mask(_grabcut_mask(cv2, bgr, box, iterations)) for box in boxes]


def _grabcut_mask(cv2: object, bgr: np.ndarray, xyxy: np.ndarray, iterations: int) -> np.ndarray:
    height, width = bgr.shape[:2]
    x1, y1 = max(int(np.floor(xyxy[0])), 0), max(int(np.floor(xyxy[1])), 0)
    x2, y2 = min(int(np.ceil(xyxy[2])), width), min(int(np.ceil(xyxy[3])), height)
    filled = np.zeros((height, width), dtype=bool)
    filled[y1:y2, x1:x2] = True
    if filled.all() or not filled.any():
        return filled
    labels = np.zeros((height, width), dtype=np.uint8)
    state = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(  # type: ignore[attr-defined]
        bgr,
        labels,
        (x1, y1, x2 - x1, y2 - y1),
        *state,
        iterations,
        cv2.GC_INIT_WITH_RECT,  # type: ignore[attr-defined]
    )
    return (labels & 1).astype(bool)  # GC_FGD is 1 and GC_PR_FGD is 3: both odd


COMPETITORS: dict[str, Competitor] = {"ellipse": ellipse, "grabcut": grabcut}


def competitors(names: Sequence[str]) -> dict[str, Competitor]:
    """The competitors of these names, in this order.

    Raises:
        DataError: a name that is none.
    """
    unknown = [name for name in names if name not in COMPETITORS]
    if unknown:
        raise DataError(f"competitors: got {', '.join(unknown)}; there are {', '.join(COMPETITORS)}")
    return {name: COMPETITORS[name] for name in names}
