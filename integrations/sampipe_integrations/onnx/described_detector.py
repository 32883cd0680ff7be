"""Any detector in ONNX that a small YAML file describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image

import sampipe as sp
from sampipe_integrations._detections import ClassChoice, Count, Fraction, Threads, box_prompts, chosen_class_ids
from sampipe_integrations.onnx.description import DetectorDescription, read_description
from sampipe_integrations.onnx.heads import FloatArray, read_head
from sampipe_integrations.onnx.session import open_session
from sampipe_integrations.onnx.yolox import best_of_each_class

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class _Described:
    """An open model and what its description says."""

    session: onnxruntime.InferenceSession
    description: DetectorDescription
    hw: tuple[int, int]


class OnnxDetector(sp.Node):
    """Boxes from an ONNX model of a YOLO-style or DETR-style head that a YAML file describes::

        file: yolov8n.onnx                # beside this file
        classes: coco80                   # or a list of names
        input: {size: [640, 640]}         # letterbox, RGB, 0 to 1 unless it says otherwise
        head: {kind: yolo, rows: last, units: pixels, scores: probabilities}

    Args:
        description: the YAML file; see docs/integrations/onnx.md.
        confidence: keep detections with at least this score.
        nms: of two boxes of one class that overlap more than this IoU the weaker is dropped; DETR-style heads do
            without.
        classes: keep only these, by name or id.
        max_detections: keep at most this many, the best.
        threads: CPU threads for one image; 0 lets onnxruntime decide.
        providers: onnxruntime's execution providers, best first.

    Raises:
        DataError: a threshold outside 0..1, or an unknown class.
        SpecError: a description that is missing or not one.
        CheckpointError: a model that is missing, damaged, or other than its description.
        MissingDependencyError: onnxruntime is not installed.
    """

    description: str
    confidence: Fraction = 0.3
    nms: Fraction = 0.45
    classes: ClassChoice = None
    max_detections: Count = 300
    threads: Threads = 0
    providers: Sequence[str] = ("CPUExecutionProvider",)

    def requirements(self) -> Sequence[sp.Requirement]:
        """onnxruntime, the description and the model that it names."""
        package = sp.Requirement.package("onnxruntime", extra="onnx")
        if not Path(self.description).is_file():
            return package, sp.Requirement.file(self.description)
        return package, sp.Requirement.file(read_description(self.description)[1])

    def weights_digest(self) -> str:
        """Those of the description and of the model that it names."""
        from sampipe.models.weights.checkpoints import file_digest

        _, path = read_description(self.description)
        return f"{file_digest(self.description)} {file_digest(path)}"

    @sp.resource(shared=lambda self: ("onnx.described", self.description, self.threads, tuple(self.providers)))
    def model(self) -> _Described:
        """The open model."""
        description, path = read_description(self.description)
        session = open_session(path, threads=self.threads, providers=self.providers)
        shape = list(session.get_inputs()[0].shape)
        fixed = len(shape) == 4 and all(isinstance(side, int) for side in shape[2:])
        hw = description.input.size or ((shape[2], shape[3]) if fixed else None)
        if len(shape) != 4 or hw is None:
            raise sp.CheckpointError(
                f"{path} takes {shape}; wanted [1, 3, height, width], or input.size in {self.description}"
            )
        return _Described(session, description, hw)

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect objects in ``image``."""
        model = self.model
        session, description = model.session, model.description
        names = dict(enumerate(description.classes))
        pixels, scale, shift = _to_input(image, description, model.hw)
        outputs = [output.name for output in session.get_outputs()]
        values = session.run(outputs, {session.get_inputs()[0].name: pixels})
        boxes, class_scores = read_head(description.head, dict(zip(outputs, values, strict=True)), model.hw, len(names))
        class_ids = class_scores.argmax(axis=1)
        scores = class_scores.max(axis=1)
        keep = scores >= self.confidence
        if (wanted := chosen_class_ids(self.classes, names)) is not None:
            keep &= np.isin(class_ids, wanted)
        boxes, class_ids, scores = (boxes[keep] - shift) / scale, class_ids[keep], scores[keep]
        if description.head.kind == "yolo":
            best = best_of_each_class(boxes, scores, class_ids, self.nms)[: self.max_detections]
        else:
            best = np.argsort(-scores, kind="stable")[: self.max_detections]
        return box_prompts(
            image, boxes[best], class_ids=class_ids[best], names=names, scores=scores[best], source=self.type_id
        )


def _to_input(
    image: sp.Image, description: DetectorDescription, hw: tuple[int, int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The input (1, 3, *hw), and the scale (4,) and shift (4,) from image pixels to input pixels."""
    given = description.input
    ratio = np.array([hw[1] / image.width, hw[0] / image.height])
    if given.resize == "letterbox":
        ratio[:] = ratio.min()
    width, height = (max(1, round(side * one)) for side, one in zip(image.wh, ratio, strict=True))
    x, y = ((hw[1] - width) // 2, (hw[0] - height) // 2) if given.place == "center" else (0, 0)
    canvas = np.full((*hw, 3), given.pad, np.float32)
    resized = image.to_pil().resize((width, height), PIL.Image.Resampling.BILINEAR)
    canvas[y : y + height, x : x + width] = np.asarray(resized)
    ordered = canvas if given.color == "rgb" else canvas[..., ::-1]
    values = (ordered / given.scale - np.array(given.mean)) / np.array(given.std)
    pixels = np.ascontiguousarray(values.transpose(2, 0, 1)[None], dtype=np.float32)
    scale = np.array([width / image.width, height / image.height] * 2, np.float32)
    return pixels, scale, np.array([x, y, x, y], np.float32)
