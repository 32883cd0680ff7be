"""A detection function for CVAT's SDK: named masks of all that a detector, or a model that reads words, finds."""

from __future__ import annotations

from typing import Any

import cvat_sdk.auto_annotation as cvataa
import numpy as np
from cvat_sdk.masks import encode_mask

import sampipe as sp
from sampipe.graph.chain import as_graph
from sampipe.graph.registry import detector as find_detector
from sampipe.models.segmenters import takes
from sampipe.nodes import Segment, SegmentText, SelectCandidate


class DetectMasks:
    """What ``annotate_task`` and ``cvat-cli task auto-annotate`` call for each frame.

    Args:
        labels: names, comma-separated, as in the CVAT task; what the detector finds under another name is left out.
        detector: as for ``sampipe segment --detector``; one that reads words looks for the labels. Empty for a model
            that reads words itself, such as sam3.
        model: any name of ``sampipe models``, a file or a folder.
        device: "auto", "cpu", "cuda", ...

    Raises:
        DataError: no label, or no detector for a model that reads no words.
    """

    def __init__(self, labels: str, detector: str = "nano", model: str = "nano", device: str = "auto") -> None:
        self._names = sp.Text.of(labels).phrases
        self._graph = _graph(self._names, detector, model, device)

    @property
    def spec(self) -> Any:
        """The labels, numbered."""
        return cvataa.DetectionFunctionSpec(
            labels=[cvataa.label_spec(name, number) for number, name in enumerate(self._names)]
        )

    def detect(self, context: Any, image: Any) -> list[Any]:
        """The shapes of one frame, masks or the polygons that the caller wants instead.

        Args:
            context: the caller's: ``conf_threshold``, ``conv_mask_to_poly``.
            image: of Pillow.
        """
        masks = self._graph.run(image=sp.Image.from_pil(image)).masks.best()
        scores = masks.prompts.scores
        least = context.conf_threshold or 0.0
        shapes: list[Any] = []
        for row, name in enumerate(masks.prompts.labels or ()):
            is_sure = scores is None or not scores[row] < least
            rle = masks.rle()[row]
            if name not in self._names or not is_sure or not rle.area:
                continue
            number = self._names.index(name)
            if context.conv_mask_to_poly:
                outlines = masks.select([row]).polygons(tolerance=1.0)[0]
                shapes += [cvataa.polygon(number, np.ravel(one.exterior).tolist()) for one in outlines]
            else:
                shapes.append(cvataa.mask(number, encode_mask(rle.decode())))
        return shapes


def _graph(names: tuple[str, ...], detector: str, model: str, device: str) -> Any:
    if detector:
        node = find_detector(detector)
        if hasattr(node, "texts"):
            node = type(node)(**{**node.params(), "texts": list(names)})
        return node | Segment(model=model, device=device) | SelectCandidate()
    if "words" not in takes(model):
        raise sp.DataError(f"detector: got none, and {model} reads no words; name a detector, or take model=sam3")
    return as_graph(SegmentText(model=model, texts=list(names), device=device))


create = DetectMasks
