"""What the YOLO nodes share: weights, thresholds, and the one loaded model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sampipe as sp
from sampipe_integrations._detections import ClassChoice, Count, Fraction, Side, chosen_class_ids
from sampipe_integrations.ultralytics.loading import LoadedYolo, load, obtain, weights_requirement


class YoloNode(sp.Node):
    """A model of ultralytics and how it is asked; see its subclasses."""

    weights: str = "yolo11n.pt"
    confidence: Fraction = 0.25
    iou: Fraction = 0.7
    classes: ClassChoice = None
    image_size: Side = 640
    max_detections: Count = 300
    device: str = "auto"

    def requirements(self) -> Sequence[sp.Requirement]:
        """ultralytics, the weights and the device."""
        package = sp.Requirement.package("ultralytics", extra="ultralytics")
        return package, weights_requirement(self.weights), sp.Requirement.device(self.device)

    def weights_digest(self) -> str:
        """The file's."""
        from sampipe.models.weights.checkpoints import file_digest

        return file_digest(obtain(self.weights))

    @sp.resource(shared=lambda self: ("ultralytics", self.weights, self.device))
    def model(self) -> LoadedYolo:
        """The loaded model."""
        return load(obtain(self.weights), device=self.device)

    def results(self, image: sp.Image, **options: Any) -> Any:
        """ultralytics' ``Results`` for the image, as numpy arrays."""
        model = self.model
        return model.predict(
            image,
            conf=self.confidence,
            iou=self.iou,
            classes=chosen_class_ids(self.classes, model.names),
            imgsz=self.image_size,
            max_det=self.max_detections,
            **options,
        )
