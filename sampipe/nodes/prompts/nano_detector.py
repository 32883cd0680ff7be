"""The detector inside the package: boxes and names from the encoding that masks use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sampipe.errors import DataError, SpecError
from sampipe.graph.names import did_you_mean
from sampipe.nodes._limits import Count, Fraction
from sampipe.nodes.segment.segment import SamNode, encode
from sampipe.types import Image, Prompts


class NanoDetector(SamNode):
    """Boxes of COCO's 80 classes from nano's own backbone: no second network, no download, the image encoded once.

    Args:
        model, device, precision: see :class:`~sampipe.nodes.segment.segment.SamNode`; a model with a detector's head.
        confidence: keep objects whose score is at least this.
        nms: of two boxes of one class that overlap more than this IoU the weaker is dropped.
        classes: keep only these, by name.
        max_detections: at most so many, the best.

    Raises:
        DataError: a parameter that does not fit.
        CheckpointError: when it runs: a model without such a head.
    """

    confidence: Fraction = 0.3
    nms: Fraction = 0.4
    classes: Sequence[str] | None = None
    max_detections: Count = 100

    def run(self, image: Image) -> Prompts:
        from sampipe.models.detect import class_names, detect

        names = class_names(self.sam)
        wanted = self._wanted(names)
        found = detect(
            self.sam, encode(self.sam, image), confidence=self.confidence, nms=self.nms, most=self.max_detections
        )
        kept = np.isin(found.class_ids, wanted)
        return Prompts.from_boxes(
            found.boxes[kept],
            labels=[names[int(number)] for number in found.class_ids[kept]],
            class_ids=found.class_ids[kept],
            scores=found.scores[kept],
            source=self.type_id,
        ).sanitize(image.hw)

    def _wanted(self, names: Sequence[str]) -> list[int]:
        chosen = (
            list(names) if self.classes is None else [self.classes] if isinstance(self.classes, str) else self.classes
        )
        for name in chosen:
            if name not in names:
                raise DataError(f"classes: {self.model} knows no {name!r}.{did_you_mean(name, names)}")
        return [names.index(name) for name in chosen]


def nano(argument: str | None = None, **params: Any) -> NanoDetector:
    """``--detector nano``, or ``nano:FILE`` for another model with a detector's head.

    Raises:
        SpecError: an empty argument.
    """
    if argument == "":
        raise SpecError("nano: got an empty model; write --detector nano, or nano:FILE")
    return NanoDetector(model=argument, **params) if argument else NanoDetector(**params)
