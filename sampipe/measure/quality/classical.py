"""What a model has to beat: a shape without looking, and classical methods that look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sampipe._optional import require
from sampipe.measure.quality.answers import Answers
from sampipe.types import RLE, Image, Prompts
from sampipe.types._arrays import BoolArray

Segment = Callable[[Image, Prompts, "RLE | None"], BoolArray]
"""From an image, the prompt of one object and the mask before its last click (if any), to a mask (h, w)."""

_GRABCUT_ITERATIONS = 5
_SURE, _LIKELY = 0.01, 0.15  # radii around a click, as shares of the image's longer side
_WAND_TOLERANCE = 24


class _Method:
    """A function of an image and of one object's prompt, as a competitor."""

    def __init__(self, takes: set[str], segment: Segment, digest: str = "") -> None:
        self.takes = frozenset(takes)
        self.digest = digest
        self._segment = segment

    def start(self, image: Image) -> _MethodSession:
        return _MethodSession(image, self._segment)


class _MethodSession:
    def __init__(self, image: Image, segment: Segment) -> None:
        self._image = image
        self._segment = segment

    def answer(self, prompts: Prompts, before: Answers | None = None) -> Answers:
        earlier = (None,) * len(prompts) if before is None else before.chosen()
        one_each = (self._segment(self._image, prompts.select(row), mask) for row, mask in enumerate(earlier))
        return Answers.single([RLE.from_mask(mask) for mask in one_each])


def ellipse() -> _Method:
    """The ellipse that fills each box; a pixel belongs to it when its centre does."""
    return _Method({"boxes"}, lambda image, prompt, _: _ellipse_mask(image.hw, _box(prompt)))


def grabcut() -> _Method:
    """GrabCut (Rother et al., SIGGRAPH 2004), by OpenCV, five iterations.

    From a box: everything outside is background; a box that covers the image leaves no background to learn
    from, so the box itself is the answer. From clicks: a disc of 1 % of the image's longer side around each
    is certain, one of 15 % around those on the object is likely, the rest is likely background.

    Raises:
        MissingDependencyError: OpenCV is not installed.
    """
    cv2 = require("cv2", "eval")

    def segment(image: Image, prompt: Prompts, _: RLE | None) -> BoolArray:
        labels = _labels_of_box(cv2, image.hw, _box(prompt)) if prompt.boxes is not None else None
        if labels is None:
            labels = _labels_of_clicks(cv2, image.hw, prompt)
        inside = (labels & 1).astype(bool)  # GC_FGD is 1 and GC_PR_FGD is 3: both odd
        if inside.all() or not inside.any():
            return inside
        cv2.setRNGSeed(0)
        bgr = np.ascontiguousarray(image.pixels[:, :, ::-1])
        state = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(bgr, labels, None, *state, _GRABCUT_ITERATIONS, cv2.GC_INIT_WITH_MASK)
        return (labels & 1).astype(bool)

    return _Method({"boxes", "points"}, segment, f"OpenCV {cv2.__version__}")


def wand() -> _Method:
    """The magic wand of paint programs: what hangs together with a click and differs from it by no more than 24
    of 255 in any channel is added to the selection; a click beside the object takes such a region away."""
    from skimage.segmentation import flood

    def segment(image: Image, prompt: Prompts, before: RLE | None) -> BoolArray:
        selection = np.zeros(image.hw, bool) if before is None else before.decode().copy()
        points, labels = _clicks(prompt)
        x, y = points[-1].astype(int)
        alike = (np.abs(image.pixels.astype(np.int16) - image.pixels[y, x]) <= _WAND_TOLERANCE).all(axis=2)
        selection[flood(alike, (y, x))] = labels[-1] == 1
        return selection

    return _Method({"points"}, segment)


def _box(prompt: Prompts) -> np.ndarray:
    assert prompt.boxes is not None
    return prompt.boxes[0]


def _clicks(prompt: Prompts) -> tuple[np.ndarray, np.ndarray]:
    assert prompt.points is not None and prompt.point_labels is not None
    given = prompt.point_labels[0] >= 0
    return prompt.points[0][given], prompt.point_labels[0][given]


def _ellipse_mask(hw: tuple[int, int], xyxy: np.ndarray) -> BoolArray:
    x1, y1, x2, y2 = (float(value) for value in xyxy)
    ys, xs = np.arange(hw[0])[:, None] + 0.5, np.arange(hw[1])[None, :] + 0.5
    across = (xs - (x1 + x2) / 2) / max((x2 - x1) / 2, 1e-6)
    down = (ys - (y1 + y2) / 2) / max((y2 - y1) / 2, 1e-6)
    return np.asarray(across**2 + down**2 <= 1)


def _labels_of_box(cv2: Any, hw: tuple[int, int], xyxy: np.ndarray) -> np.ndarray:
    height, width = hw
    x1, y1 = max(int(np.floor(xyxy[0])), 0), max(int(np.floor(xyxy[1])), 0)
    x2, y2 = min(int(np.ceil(xyxy[2])), width), min(int(np.ceil(xyxy[3])), height)
    labels = np.full(hw, cv2.GC_BGD, np.uint8)
    labels[y1:y2, x1:x2] = cv2.GC_PR_FGD
    return labels


def _labels_of_clicks(cv2: Any, hw: tuple[int, int], prompt: Prompts) -> np.ndarray:
    labels = np.full(hw, cv2.GC_PR_BGD, np.uint8)
    points, kinds = _clicks(prompt)
    centres = [(int(x), int(y)) for x, y in points]
    for centre in (centre for centre, kind in zip(centres, kinds, strict=True) if kind == 1):
        cv2.circle(labels, centre, int(_LIKELY * max(hw)), cv2.GC_PR_FGD, -1)
    for centre, kind in zip(centres, kinds, strict=True):
        sure = cv2.GC_FGD if kind == 1 else cv2.GC_BGD
        cv2.circle(labels, centre, max(1, int(_SURE * max(hw))), sure, -1)
    return labels
