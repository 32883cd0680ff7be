"""supervision, where it does the same work as our nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


class Supervision:
    """Its annotator over masks that are there already."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        import supervision

        self._sv = supervision

    def prepare_overlay(self, scene: np.ndarray, masks: np.ndarray) -> dict[str, Any]:
        boxes = self._sv.mask_to_xyxy(masks).astype(np.float32)
        return {"scene": scene, "objects": self._sv.Detections(boxes, masks, class_id=np.arange(len(masks)))}

    def overlay(self, scene: np.ndarray, objects: Any) -> np.ndarray:
        return self._sv.MaskAnnotator(opacity=0.5).annotate(scene.copy(), objects)
