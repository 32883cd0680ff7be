"""YOLOX detectors (Apache-2.0) in onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import ClassChoice, Count, Fraction, Threads, box_prompts, chosen_class_ids
from sampipe_integrations.onnx.coco80 import COCO80
from sampipe_integrations.onnx.decoding import FloatArray, decode, letterbox
from sampipe_integrations.onnx.session import open_session
from sampipe_integrations.onnx.weights import obtain, weights_requirement

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class _Yolox:
    """An open model: its session and what the session says about itself."""

    session: onnxruntime.InferenceSession
    input_name: str
    hw: tuple[int, int]

    def rows(self, image: sp.Image) -> tuple[FloatArray, float]:
        """The raw output rows (n, 5 + classes) for ``image``, and the input's scale."""
        pixels, scale = letterbox(image, self.hw)
        return self.session.run(None, {self.input_name: pixels})[0][0], scale


class YoloxDetector(sp.Node):
    """Boxes from a YOLOX model (nano, tiny, s, m, l, x) as prompts in original-image pixels.

    Takes the ONNX files that the YOLOX authors publish and those of their exporter: a fixed input size, which
    is read from the model, BGR values of 0..255 and undecoded rows.

    Args:
        weights: an ONNX file, or ``yolox_nano`` for the published YOLOX-Nano (0.9 million parameters).
        confidence: keep detections whose objectness times class score is at least this.
        nms: of two boxes of one class that overlap more than this IoU the weaker is dropped.
        classes: keep only these, by name or id.
        class_names: the model's own classes, in order, where they are not COCO's 80.
        max_detections: keep at most this many, the best.
        threads: CPU threads for one image; 0 lets onnxruntime decide.
        providers: onnxruntime's execution providers, best first.

    Raises:
        DataError: a threshold outside 0..1, or an unknown class.
        CheckpointError: weights that are missing, or not a YOLOX model.
        MissingDependencyError: onnxruntime is not installed.
    """

    weights: str = "yolox_nano"
    confidence: Fraction = 0.3
    nms: Fraction = 0.45
    classes: ClassChoice = None
    class_names: Sequence[str] | None = None
    max_detections: Count = 300
    threads: Threads = 0
    providers: Sequence[str] = ("CPUExecutionProvider",)

    def __post_init__(self) -> None:
        chosen_class_ids(self.classes, self._names)

    @property
    def _names(self) -> dict[int, str]:
        return dict(enumerate(self.class_names or COCO80))

    def requirements(self) -> Sequence[sp.Requirement]:
        """onnxruntime and the weights."""
        return sp.Requirement.package("onnxruntime", extra="onnx"), weights_requirement(self.weights)

    def weights_digest(self) -> str:
        """The file's."""
        from sampipe.models.weights.checkpoints import file_digest

        return file_digest(obtain(self.weights))

    @sp.resource(shared=lambda self: ("yolox", self.weights, self.threads, tuple(self.providers)))
    def model(self) -> _Yolox:
        """The open model."""
        path = obtain(self.weights)
        session = open_session(path, threads=self.threads, providers=self.providers)
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shape, rows = list(inputs[0].shape), list(outputs[0].shape)
        fixed = len(shape) == 4 and all(isinstance(side, int) for side in shape[2:])
        if len(inputs) != 1 or not fixed or len(rows) != 3:
            raise sp.CheckpointError(
                f"{path} is not a YOLOX model of a fixed input size: it takes {shape} and gives {rows}, "
                "wanted [1, 3, height, width] and [1, rows, 5 + classes]."
            )
        return _Yolox(session=session, input_name=inputs[0].name, hw=(shape[2], shape[3]))

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect objects in ``image``."""
        rows, scale = self.model.rows(image)
        names = self._names
        if rows.shape[1] - 5 != len(names):
            raise sp.CheckpointError(
                f"{self.weights}: the model has {rows.shape[1] - 5} classes and class_names has "
                f"{len(names)}; give class_names=[...] with the names it was trained on, in order."
            )
        boxes, class_scores = decode(rows, self.model.hw)
        class_ids = class_scores.argmax(axis=1)
        scores = class_scores[np.arange(len(rows)), class_ids]
        keep = scores >= self.confidence
        if (wanted := chosen_class_ids(self.classes, names)) is not None:
            keep &= np.isin(class_ids, wanted)
        boxes, class_ids, scores = boxes[keep] / np.float32(scale), class_ids[keep], scores[keep]
        best = best_of_each_class(boxes, scores, class_ids, self.nms)[: self.max_detections]
        return box_prompts(
            image,
            boxes[best],
            class_ids=class_ids[best],
            names=names,
            scores=scores[best],
            source=self.type_id,
        )


def best_of_each_class(boxes: FloatArray, scores: FloatArray, class_ids: np.ndarray, iou: float) -> np.ndarray:
    """The rows that survive non-maximum suppression within their class, best first."""
    import torch
    from torchvision.ops import batched_nms

    kept = batched_nms(torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(class_ids), iou)
    return kept.numpy()
