"""What open-vocabulary detectors share: their phrases, and detections that keep them apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import sampipe as sp


def checked_phrases(texts: Sequence[str], text: sp.Text | None) -> tuple[str, ...]:
    """The phrases to look for: those of the input, else of the parameter.

    Raises:
        DataError: none at all, or one that asks for nothing.
    """
    return (text or sp.Text.of(texts)).phrases


def phrase_prompts(
    image: sp.Image,
    boxes: NDArray[np.floating],
    *,
    phrases: Sequence[str],
    class_ids: NDArray[np.integer],
    scores: NDArray[np.floating],
    nms: float,
    limit: int,
    source: str,
) -> sp.Prompts:
    """Detections as prompts, best first: overlapping boxes of one phrase thinned, of different phrases never.

    Args:
        image: the boxes are in its pixels; they are cut at its border.
        boxes: (n, 4) xyxy.
        phrases: class id to label.
        class_ids, scores: (n,).
        nms: IoU above which the weaker of two boxes of one phrase goes.
        limit: at most so many, the best.
        source: type id of the node.
    """
    import torch
    from torchvision.ops import batched_nms

    finite = np.flatnonzero(np.isfinite(boxes).all(axis=1) & np.isfinite(scores))
    tensors = [torch.from_numpy(np.ascontiguousarray(values[finite])) for values in (boxes, scores, class_ids)]
    kept = finite[batched_nms(tensors[0].float(), tensors[1].float(), tensors[2], nms).numpy()[:limit]]
    prompts = sp.Prompts.from_boxes(
        boxes[kept],
        labels=[phrases[int(class_id)] for class_id in class_ids[kept]],
        class_ids=class_ids[kept],
        scores=scores[kept],
        source=source,
    )
    return prompts.sanitize(image.hw)
