"""Masks of a part of an image as masks of the whole."""

from __future__ import annotations

import numpy as np

from sampipe.types import Frame, Masks

Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the image."""


def placed(masks: Masks, window: Window, hw: tuple[int, int]) -> Masks:
    """Masks and prompts of the window where they lie in the image, as run lengths, their stability noted."""
    offset = np.array(window[:2], np.float32)
    prompts = masks.prompts
    moved = prompts.replace(
        points=None if prompts.points is None else prompts.points + offset,
        boxes=None if prompts.boxes is None else prompts.boxes + np.tile(offset, 2),
        mask_logits=None,
    )
    computed = masks.stability is None and masks.logits is not None and len(masks) > 0  # the logits end here
    return Masks(
        frame=Frame.identity(hw),
        prompts=moved,
        iou_scores=masks.iou_scores,
        rles=tuple(tuple(rle.place(window[:2], hw) for rle in row) for row in masks.all_rles()),
        stability=masks.stability_scores() if computed else masks.stability,
        candidates=masks.candidates,
        history=masks.history,
    )


def repeated(masks: Masks, times: int) -> Masks:
    """The one candidate of each object, several times: beside objects that have several."""
    return masks.replace(
        iou_scores=masks.iou_scores.repeat(times, axis=1),
        stability=None if masks.stability is None else masks.stability.repeat(times, axis=1),
        candidates=masks.candidates.repeat(times, axis=1),
        logits=None if masks.logits is None else masks.logits.expand(-1, times, -1, -1),
        rles=None if masks.rles is None else tuple(row * times for row in masks.rles),
    )
