"""YOLO pose models: key points as point prompts."""

from __future__ import annotations

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import Count, Fraction
from sampipe_integrations._keypoints import keypoint_prompts
from sampipe_integrations.ultralytics._node import YoloNode


class UltralyticsPose(YoloNode):
    """Key points of a YOLO pose model as prompts: an object's points, and its box.

    ultralytics is AGPL-3.0; see :class:`UltralyticsDetector`.

    Args:
        weights, confidence, iou, classes, image_size, max_detections, device: see :class:`UltralyticsDetector`;
            the model has to be one for poses.
        keypoint_confidence: points with less are not seen; a model without such scores sees all.
        max_points: keep at most this many points of an object, evenly over their order.
        boxes: send the boxes along with the points.

    Raises:
        CheckpointError: not a pose model.
        DataError, MissingDependencyError: see :class:`UltralyticsDetector`.
    """

    weights: str = "yolo11n-pose.pt"
    keypoint_confidence: Fraction = 0.5
    max_points: Count | None = None
    boxes: bool = True

    def run(self, image: sp.Image) -> sp.Prompts:
        """Find people, or what else the model was trained on."""
        self.model.expect("pose")
        result = self.results(image)
        if not len(result.boxes):
            return sp.Prompts.empty()
        found = result.keypoints
        seen = (np.asarray(found.xy) != 0).any(axis=2)  # it writes 0, 0 for what it did not find
        if found.conf is not None:
            seen &= np.asarray(found.conf) >= self.keypoint_confidence
        class_ids = np.asarray(result.boxes.cls).astype(np.int64)
        prompts = keypoint_prompts(
            found.xy,
            visible=seen,
            boxes=result.boxes.xyxy if self.boxes else None,
            max_points=self.max_points,
            labels=[self.model.names.get(int(class_id), str(int(class_id))) for class_id in class_ids],
            class_ids=class_ids,
            scores=result.boxes.conf,
            source=self.type_id,
        )
        return prompts.sanitize(image.hw)
