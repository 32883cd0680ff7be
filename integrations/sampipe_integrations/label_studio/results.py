"""Masks as Label Studio's brush regions."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

import sampipe as sp
from sampipe._optional import require


def brush_results(masks: sp.Masks, *, from_name: str, to_name: str, label: str | None = None) -> list[dict[str, Any]]:
    """One brush region for each object, each with an id of its own, as a ``result`` of a prediction or annotation.

    Args:
        masks: of one image; the best candidate counts, empty masks are left out.
        from_name: the name of the ``BrushLabels`` tag in the labelling configuration.
        to_name: the name of its ``Image`` tag.
        label: the label of objects that have none of their own.

    Raises:
        MissingDependencyError: label-studio-sdk is not installed.
    """
    brush = require("label_studio_sdk.converter.brush", "label_studio")
    best = masks.best()
    height, width = best.hw
    names = best.prompts.labels or ("",) * len(best)
    regions = []
    for row, (rle, name) in enumerate(zip(best.rle(), names, strict=True)):
        if not rle.area:
            continue
        chosen = name or label
        score = float(best.iou_scores[row, 0])
        pixels = rle.decode().astype(np.uint8) * 255
        value = {"format": "rle", "rle": brush.mask2rle(pixels), "brushlabels": [chosen] if chosen else []}
        region = {
            "id": secrets.token_hex(5),  # as long as Label Studio's own; a repeated id replaces the region before it
            "from_name": from_name,
            "to_name": to_name,
            "type": "brushlabels",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": value,
        }
        regions.append(region | ({"score": score} if np.isfinite(score) else {}))
    return regions
