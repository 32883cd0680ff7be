"""From a score map to what prompts a segmenter: its parts, their boxes and their surest points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sampipe.types import Frame
from sampipe.types._arrays import BoolArray, FloatArray

_OUTSIDE = -10.0  # logit of a place that belongs to another part


@dataclass(frozen=True)
class Region:
    """One connected part of a score map.

    Attributes:
        box: (4,) in pixels of the image.
        points: (k, 2) its surest places, apart from each other, in pixels of the image.
        logits: (side, side) the map above its threshold, everything outside the part made negative.
        score: mean probability inside.
    """

    box: FloatArray
    points: FloatArray
    logits: FloatArray
    score: float


def find_regions(
    logits: FloatArray,
    frame: Frame,
    *,
    threshold: float,
    margin: float,
    least: float,
    min_share: float,
    points: int,
    split: bool,
) -> list[Region]:
    """The connected parts of a map (side, side) above a logit, largest first.

    Who asks for something rarely asks for what is not there. So where no place reaches far above the threshold, it
    comes down to ``margin`` below the surest place; where even that one is below ``least``, nothing is found.

    Args:
        logits: over the square that ``frame`` describes.
        frame: how the image lies in it.
        threshold: the logit.
        margin: see above; 0 never lets the threshold come down below the surest place.
        least: logit that the surest place must have.
        min_share: parts smaller than this share of the image are dropped.
        points: how many points of each part.
        split: False takes all parts as one region.
    """
    from skimage.measure import label

    side = logits.shape[-1]
    height, width = frame.content_hw(side)
    content = np.full_like(logits, -np.inf)
    content[:height, :width] = logits[:height, :width]
    surest = float(content.max())
    if surest < least:
        return []
    threshold = min(threshold, surest - margin)
    above = content > threshold
    parts = np.asarray(label(above, connectivity=2)) if split else above.astype(np.int64)
    sizes = np.bincount(parts.ravel())
    smallest = max(1.0, min_share * height * width)
    kept = [part for part in np.argsort(-sizes, kind="stable") if part and sizes[part] >= smallest]
    return [_region(logits, parts == part, frame, points, threshold) for part in kept]


def _region(logits: FloatArray, inside: BoolArray, frame: Frame, points: int, threshold: float) -> Region:
    side = logits.shape[-1]
    cell = frame.input_size / side
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    corners = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]]) * cell
    limits = np.array([frame.original_hw[1], frame.original_hw[0]])
    box = np.clip(frame.points_to_original(corners), 0, limits).reshape(4)
    surest = _surest(np.where(inside, logits, -np.inf), inside, points)
    xy = np.clip(frame.points_to_original((surest + 0.5) * cell), 0, limits - 1)
    part = np.where(inside, logits - threshold, _OUTSIDE)
    score = float((1 / (1 + np.exp(-logits[inside]))).mean())
    return Region(box.astype(np.float32), xy.astype(np.float32), part.astype(np.float32), score)


def _surest(logits: FloatArray, inside: BoolArray, count: int) -> FloatArray:
    """Places (count, 2) x, y of the highest logits, each far from the earlier ones; the last may repeat."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    depth = np.asarray(distance_transform_edt(np.pad(inside, 1)))[1:-1, 1:-1]
    smooth = gaussian_filter(np.where(inside, logits, 0.0), 1.0)
    value = np.where(inside, smooth + 0.5 * np.minimum(depth, 4), -np.inf)
    apart = max(1.0, np.sqrt(inside.sum()) / 2)
    rows, columns = np.indices(inside.shape)
    found: list[tuple[int, int]] = []
    for _ in range(count):
        y, x = divmod(int(value.argmax()), inside.shape[1])
        if not np.isfinite(value[y, x]):
            break
        found.append((x, y))
        value = np.where(np.hypot(columns - x, rows - y) < apart, -np.inf, value)
    return np.array(found + found[-1:] * (count - len(found)), dtype=np.float32)
