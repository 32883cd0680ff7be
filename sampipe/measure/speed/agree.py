"""Whether two contestants gave the same answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def difference(task: str, ours: Path, theirs: Path) -> float:
    """How far two saved answers are apart: 0 for the same.

    Features: the largest difference as a share of the largest value. Masks: the share of pixels that differ.
    Drawn masks: the mean difference of a channel, of 255 (contours differ). Run lengths: the share of masks without a
    twin (IoU above 0.99) on the other side.
    """
    a, b = np.load(ours, allow_pickle=True), np.load(theirs, allow_pickle=True)
    if task in ("encode", "logits"):
        return float(np.abs(a - b).max() / np.abs(b).max())
    if task == "decode":
        return float((a != b).mean())
    if task == "overlay":
        return float(np.abs(a.astype(int) - b.astype(int)).mean() / 255)
    return _without_twin(_counts(a), _counts(b))


def _counts(answer: np.ndarray) -> list[bytes]:
    value: Any = answer.item() if answer.ndim == 0 else list(answer)
    return list(value["counts"] if isinstance(value, dict) else value)


def _without_twin(ours: list[bytes], theirs: list[bytes]) -> float:
    import pycocotools.mask

    from sampipe.types._runs import parse

    if not ours or not theirs:
        return float(bool(ours) != bool(theirs))
    pixels = int(parse(ours[0]).sum())
    a, b = ([{"size": [pixels, 1], "counts": counts} for counts in side] for side in (ours, theirs))
    ious = np.asarray(pycocotools.mask.iou(a, b, [0] * len(b)))
    lonely = (ious.max(axis=0) <= 0.99).sum() + (ious.max(axis=1) <= 0.99).sum()
    return float(lonely / (len(a) + len(b)))
