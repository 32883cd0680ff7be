"""YOLO and RT-DETR as prompt sources."""

from __future__ import annotations

from typing import Any

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import box_prompts
from sampipe_integrations.ultralytics._node import YoloNode


class UltralyticsDetector(YoloNode):
    """Boxes from a YOLO or RT-DETR model as prompts in original-image pixels.

    ultralytics is AGPL-3.0, and the log says so when it loads. Its ``.pt`` files are pickles: they are read
    by a reader that builds known layers only and runs nothing. Of segmentation and pose models the boxes are
    used. An oriented box (OBB) becomes the upright box around it and, as what lies beside it is in that box
    too, its centre as a point.

    Args:
        weights: a ``.pt`` file, or the name of a published one (``yolo11n.pt``, ``rtdetr-l.pt``), which is
            downloaded on first use.
        confidence: keep detections with at least this score.
        iou: of two boxes of one class that overlap more than this the weaker is dropped; RT-DETR and other
            models that do without suppression ignore it.
        classes: keep only these, by name or id.
        image_size: the longer side of the model's input, in pixels.
        max_detections: keep at most this many, the best.
        device: where to run; ``auto`` is the fastest that is there.

    Raises:
        DataError: a threshold outside 0..1, or an unknown class.
        CheckpointError: weights that are missing, unsafe, damaged or not a detector's.
        MissingDependencyError: ultralytics is missing, too old to read files safely, or a malicious release.
    """

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect objects in ``image``."""
        result = self.results(image)
        upright = result.obb is None
        prompts = yolo_prompts(self, image, result.boxes if upright else result.obb)
        if upright or not len(prompts):
            return prompts
        assert prompts.boxes is not None  # the centre of what is left of the box inside the image
        centres = (prompts.boxes[:, :2] + prompts.boxes[:, 2:]) / 2
        return prompts.replace(points=centres[:, None])


def yolo_prompts(node: YoloNode, image: sp.Image, found: Any) -> sp.Prompts:
    """Boxes with names, ids and scores from ultralytics' ``Boxes`` or ``OBB``."""
    return box_prompts(
        image,
        np.asarray(found.xyxy, np.float32).reshape(-1, 4),
        class_ids=np.asarray(found.cls).astype(np.int64),
        names=node.model.names,
        scores=np.asarray(found.conf, np.float32),
        source=node.type_id,
    )
