"""Measuring while training: the model file as its user would load it, on a held-out COCO folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sampipe.eval.boxes import evaluate_boxes


def box_validation(
    folder: Path, *, device: str, limit: int | None, min_area: int = 0
) -> Callable[[Path], Mapping[str, float]]:
    """Mean IoU of the single mask from ground-truth boxes (``sampipe eval boxes``).

    Args:
        folder: a COCO folder.
        device: where the model runs.
        limit: at most so many pictures, always the same.
        min_area: smallest object, in px² of mask.
    """

    def validate(model: Path) -> Mapping[str, float]:
        summary = evaluate_boxes(
            str(model), folder, device=device, limit=limit, min_area=min_area, competitors=()
        ).summary
        return {"mean_iou": summary["mean_iou"]}

    return validate
