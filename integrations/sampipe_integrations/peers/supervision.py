"""supervision, where it does the same work as our nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


class Supervision:
    """Its annotators over masks that are there already: fill and contour."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        import supervision

        self._sv = supervision

    def prepare_overlay(self, scene: np.ndarray, masks: np.ndarray) -> dict[str, Any]:
        """Masks as its detections."""
        boxes = self._sv.mask_to_xyxy(masks).astype(np.float32)
        return {"scene": scene, "objects": self._sv.Detections(boxes, masks, class_id=np.arange(len(masks)))}

    def overlay(self, scene: np.ndarray, objects: Any) -> np.ndarray:
        """Fill and contour of every mask."""
        filled = self._sv.MaskAnnotator(opacity=0.5).annotate(scene.copy(), objects)
        return self._sv.PolygonAnnotator().annotate(filled, objects)
