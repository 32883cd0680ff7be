"""The DETR family in transformers as prompt sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import ClassChoice, Fraction, box_prompts, chosen_class_ids
from sampipe_integrations.transformers.loading import load_pretrained, weights_requirement


@dataclass(frozen=True)
class _Loaded:
    """A network, its image processor and its classes by id."""

    network: Any
    processor: Any
    names: Mapping[int, str]


class TransformersDetector(sp.Node):
    """Boxes from any object detection model of transformers as prompts in original-image pixels.

    DETR, Conditional, Deformable and DAB DETR, RT-DETR, RF-DETR, D-FINE, YOLOS, Table Transformer and what else
    ``AutoModelForObjectDetection`` knows; mostly Apache-2.0.

    Args:
        model: a name on the Hugging Face hub, downloaded on first use, or a folder that ``save_pretrained`` wrote.
        confidence: keep detections with at least this score.
        classes: keep only these, by name or id.
        device: where to run; ``auto`` is the fastest that is there.

    Raises:
        DataError: a threshold outside 0..1, or an unknown class.
        CheckpointError: a model that is missing, is no detector, or whose weights do not fill it.
        MissingDependencyError: transformers is not installed.
    """

    model: str = "PekingU/rtdetr_r18vd"
    confidence: Fraction = 0.5
    classes: ClassChoice = None
    device: str = "auto"

    def requirements(self) -> Sequence[sp.Requirement]:
        """transformers, the model and the device."""
        package = sp.Requirement.package("transformers", extra="transformers")
        return package, weights_requirement(self.model), sp.Requirement.device(self.device)

    @sp.resource(shared=lambda self: ("transformers.detector", self.model, self.device))
    def loaded(self) -> _Loaded:
        """The loaded model."""
        network, processor = load_pretrained(
            self.model, "AutoModelForObjectDetection", device=self.device, what="an object detector"
        )
        names = {int(class_id): str(name) for class_id, name in network.config.id2label.items()}
        return _Loaded(network, processor, names)

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect objects in ``image``."""
        import torch

        loaded = self.loaded
        wanted = chosen_class_ids(self.classes, loaded.names)
        with torch.inference_mode():
            inputs = loaded.processor(images=image.to_pil(), return_tensors="pt").to(loaded.network.device)
            outputs = loaded.network(**inputs)
            [found] = loaded.processor.post_process_object_detection(
                outputs, threshold=self.confidence, target_sizes=[image.hw]
            )
        boxes, class_ids, scores = (found[name].float().cpu().numpy() for name in ("boxes", "labels", "scores"))
        class_ids = class_ids.astype(np.int64)
        order = np.argsort(-scores, kind="stable")
        if wanted is not None:
            order = order[np.isin(class_ids[order], wanted)]
        return box_prompts(
            image,
            boxes[order],
            class_ids=class_ids[order],
            names=loaded.names,
            scores=scores[order],
            source=self.type_id,
        )
