"""YOLO and RT-DETR as prompt sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import sampipe as sp
from sampipe_integrations._detections import ClassChoice, box_prompts, check_fraction, chosen_class_ids
from sampipe_integrations._published import PublishedFile
from sampipe_integrations.ultralytics.loading import LoadedYolo, load

PUBLISHED_NAME = re.compile(r"(yolov?\d+|rtdetr)[\w-]*\.pt")
RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0"


class UltralyticsDetector(sp.Node):
    """Boxes from a YOLO or RT-DETR model as prompts in original-image pixels.

    ultralytics is AGPL-3.0, and the log says so when it loads. Its ``.pt`` files are pickles: they are read
    by a reader that builds known layers only and runs nothing. Of segmentation and pose models the boxes are
    used.

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

    weights: str = "yolo11n.pt"
    confidence: float = 0.25
    iou: float = 0.7
    classes: ClassChoice = None
    image_size: int = 640
    max_detections: int = 300
    device: str = "auto"

    def __post_init__(self) -> None:
        check_fraction(confidence=self.confidence, iou=self.iou)

    def requirements(self) -> Sequence[sp.Requirement]:
        """ultralytics, the weights and the device."""
        published = self._published()
        weights = published.requirement() if published else sp.Requirement.file(self.weights)
        package = sp.Requirement.package("ultralytics", extra="ultralytics")
        return package, weights, sp.Requirement.device(self.device)

    def _published(self) -> PublishedFile | None:
        """The published file that ``weights`` names, unless a file of that name is there."""
        if Path(self.weights).exists() or not PUBLISHED_NAME.fullmatch(self.weights):
            return None
        return PublishedFile(url=f"{RELEASE}/{self.weights}", instead=", or give a file as weights")

    @sp.resource(shared=lambda self: ("ultralytics", self.weights, self.device))
    def model(self) -> LoadedYolo:
        """The loaded model."""
        published = self._published()
        return load(published.obtain() if published else Path(self.weights), device=self.device)

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect objects in ``image``."""
        model = self.model
        boxes, class_ids, scores = model.detect(
            image,
            conf=self.confidence,
            iou=self.iou,
            classes=chosen_class_ids(self.classes, model.names),
            imgsz=self.image_size,
            max_det=self.max_detections,
        )
        return box_prompts(image, boxes, class_ids=class_ids, names=model.names, scores=scores, source=self.type_id)
