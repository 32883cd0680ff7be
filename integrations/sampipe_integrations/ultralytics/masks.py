"""YOLO segmentation models: their own masks, to keep or to refine."""

from __future__ import annotations

import numpy as np

import sampipe as sp
from sampipe_integrations.ultralytics._node import YoloNode
from sampipe_integrations.ultralytics.detector import yolo_prompts


class UltralyticsMasks(YoloNode):
    """Masks of a YOLO segmentation model, with the boxes that they came with as their prompts.

    ``UltralyticsMasks(...) | Refine(model="vit_b")`` gives each mask to Segment Anything as a prompt.
    ultralytics is AGPL-3.0; see :class:`UltralyticsDetector`.

    Args:
        weights, confidence, iou, classes, image_size, max_detections, device: see :class:`UltralyticsDetector`;
            the model has to be one for segmentation.

    Raises:
        CheckpointError: not a segmentation model.
        DataError, MissingDependencyError: see :class:`UltralyticsDetector`.
    """

    weights: str = "yolo11n-seg.pt"

    def run(self, image: sp.Image) -> sp.Masks:
        """Segment objects in ``image``."""
        self.model.expect("segment")
        result = self.results(image, retina_masks=True)
        if result.masks is None:
            return sp.Masks.empty(image.hw)
        rows = np.arange(len(result.boxes))
        prompts = yolo_prompts(self, image, result.boxes)
        if len(prompts) != len(rows):  # a box without area inside the image
            asked = sp.Prompts.from_boxes(np.asarray(result.boxes.xyxy), class_ids=rows).sanitize(image.hw)
            rows = np.asarray(asked.class_ids)
        pixels = np.asarray(result.masks.data)[rows] > 0
        return sp.Masks.from_binary(pixels, prompts).add_step(self.describe())
