"""What every format asks of an object, and masks put together from what a file says."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sampipe.types import RLE, Masks, Prompts

NAMELESS = "object"


def label(masks: Masks, i: int) -> str:
    """The label of an object; ``class 3`` or ``object`` where it has none."""
    prompts = masks.prompts
    text = "" if prompts.labels is None else prompts.labels[i]
    if text:
        return text
    class_id = -1 if prompts.class_ids is None else int(prompts.class_ids[i])
    return f"class {class_id}" if class_id >= 0 else NAMELESS


def score(masks: Masks, i: int) -> float | None:
    """The detector's score of an object, else the predicted IoU; None without either."""
    values = [] if masks.prompts.scores is None else [float(masks.prompts.scores[i])]
    values.append(float(masks.iou_scores[i, 0]))
    return next((value for value in values if math.isfinite(value)), None)


def masks_of(
    rles: Sequence[RLE], hw: tuple[int, int], *, labels: Sequence[str] | None, scores: Sequence[float | None] = ()
) -> Masks:
    """Masks with their boxes as prompts, and labels and scores where the file has them for every object."""
    if not rles:
        return Masks.empty(hw)
    known = bool(scores) and all(value is not None for value in scores)
    prompts = Prompts.from_boxes(
        np.array([rle.box for rle in rles], np.float32),
        labels=labels,
        scores=np.array(scores, np.float32) if known else None,
    )
    return Masks.from_rle(rles, hw, prompts)
