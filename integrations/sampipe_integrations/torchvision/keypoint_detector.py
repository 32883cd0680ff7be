"""torchvision's Keypoint R-CNN: people's key points as point prompts."""

from __future__ import annotations

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import Count, chosen_class_ids
from sampipe_integrations._keypoints import keypoint_prompts
from sampipe_integrations.torchvision.detector import TorchvisionDetector


class TorchvisionKeypoints(TorchvisionDetector):
    """Key points from torchvision's Keypoint R-CNN as prompts: a person's points, and the box.

    Args:
        model, weights, confidence, classes, class_names, device: see :class:`TorchvisionDetector`.
        keypoint_confidence: points with a lower score are not seen. These are the network's raw scores, not
            fractions: about 0 for a guess, 2 and more for a point that is clearly there.
        max_points: keep at most this many points of a person, evenly over their order.
        boxes: send the boxes along with the points.

    Raises:
        CheckpointError: a model without key points, and see :class:`TorchvisionDetector`.
        DataError: see :class:`TorchvisionDetector`.
    """

    model: str = "keypointrcnn_resnet50_fpn"
    keypoint_confidence: float = 2.0
    max_points: Count | None = None
    boxes: bool = True

    def run(self, image: sp.Image) -> sp.Prompts:
        """Find people in ``image``."""
        network = self.network
        found = network.raw(image)
        if "keypoints" not in found:
            raise sp.CheckpointError(f"{self.model} gives no key points; wanted keypointrcnn_resnet50_fpn.")
        keep = found["scores"] >= self.confidence
        if (wanted := chosen_class_ids(self.classes, network.names)) is not None:
            keep &= np.isin(found["labels"], wanted)
        if not keep.any():
            return sp.Prompts.empty()
        class_ids = found["labels"][keep]
        prompts = keypoint_prompts(
            found["keypoints"][keep][..., :2],
            visible=found["keypoints_scores"][keep] >= self.keypoint_confidence,
            boxes=found["boxes"][keep] if self.boxes else None,
            max_points=self.max_points,
            labels=[network.names.get(int(one), str(int(one))) for one in class_ids],
            class_ids=class_ids,
            scores=found["scores"][keep],
            source=self.type_id,
        )
        return prompts.sanitize(image.hw)
