"""What pre-fills images with masks for a person to accept, mend or delete."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import SampipeError
from sampipe.graph import Graph, Node
from sampipe.graph.chain import as_graph
from sampipe.graph.registry import detector, points
from sampipe.nodes import Segment, SegmentEverything, SelectCandidate
from sampipe.nodes.text.pipelines import text_graph
from sampipe.pages.label.record import ImageRecord, MaskRecord
from sampipe.text.modes import choose_mode
from sampipe.types import Image, Masks, Text
from sampipe.types.rle import iou_matrix

EVERYTHING = "everything"
LEARNED = "learned"
TEXT = "text"
LEARNER = "torchvision:fasterrcnn_mobilenet_v3_large_320_fpn"
THING = "object"  # the one class of a detector that tells things from background and no more
_SAME = 0.7  # IoU above which a proposal says what is there already


@dataclass(frozen=True)
class ProposalSource:
    """Something that proposes masks.

    Args:
        name: "everything", "learned", "text:a dog, a wheel", or a detector such as "face" or "onnx:model.onnx".
        missing: what it lacks on this machine and what to do about it, "" if it can run.
    """

    name: str
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What can propose masks on this machine.

    Args:
        learned: the weights of the detector trained on this folder's own masks, whether there are any yet or not.
        model: Segment Anything's, which turns boxes into masks.
        device: where all of them run.
        confidence: the lowest that counts of a detector; None for each one's own.
        wanted: detectors to list besides the installed ones, because somebody named them.
    """

    learned: Path
    model: str = "nano"
    device: str = "auto"
    confidence: float | None = None
    wanted: tuple[str, ...] = ()

    def listed(self) -> list[ProposalSource]:
        """All of them; nothing heavy is loaded."""
        names = dict.fromkeys([*self.wanted, EVERYTHING, TEXT, LEARNED, *points("sampipe.detectors")])
        return [ProposalSource(name, self.missing(name)) for name in names]

    def missing(self, name: str) -> str:
        """Why a source cannot run here, with what to do about it; "" if it can."""
        if name == LEARNED and not self.learned.is_file():
            return "There is no detector trained on these images yet."
        if name == TEXT:
            return "Type what to look for, such as: a dog, a wheel."
        try:
            problems = self.graph(name).check().problems
        except SampipeError as error:
            return str(error)
        return " ".join(f"{problem.message} {problem.fix}" for problem in problems[:1])

    def graph(self, name: str) -> Graph:
        """The graph image → masks of a source.

        Raises:
            SpecError: no detector of that name.
            DataError: a text that asks for nothing, or that nothing here can answer.
            MissingDependencyError: it needs a package that is not installed.
        """
        if name == EVERYTHING:
            return as_graph(SegmentEverything(model=self.model, device=self.device))
        if name.startswith(f"{TEXT}:"):
            phrases = Text.of(name.partition(":")[2]).phrases
            mode = choose_mode(phrases, model=self.model, mode=None, clip=None, detector=False)
            return text_graph(mode, phrases, model=self.model, device=self.device)
        return self.detector(name) | Segment(model=self.model, device=self.device) | SelectCandidate()

    def detector(self, name: str) -> Node:
        """The detector of this name; "learned" is the one of this folder.

        Raises:
            SpecError: none of that name is installed.
            MissingDependencyError: it needs a package that is not installed.
        """
        params: dict[str, Any] = {} if self.confidence is None else {"confidence": self.confidence}
        if name == LEARNED:
            return detector(LEARNER, weights=str(self.learned), class_names=[THING], device=self.device, **params)
        return detector(name, **params)


def proposed(
    graph: Graph, image: Image, record: ImageRecord, source: str, labels: Collection[str] | None
) -> tuple[MaskRecord, ...]:
    """What the graph finds on the image and the record does not have yet.

    Args:
        labels: the only names that count; others leave the mask without a name. None for any.
    """
    return _records(graph.run(image=image).masks, record, source, labels)


def _records(masks: Masks, record: ImageRecord, source: str, labels: Collection[str] | None) -> tuple[MaskRecord, ...]:
    best = masks.best()
    rles, prompts = best.rle(), best.prompts
    stability = _stability(best)
    there = [mask.rle for mask in record.masks]
    new = []
    for i in range(len(best)):
        if rles[i].area == 0 or (there and iou_matrix([rles[i]], there).max() > _SAME):
            continue
        name = "" if prompts.labels is None or source == LEARNED else prompts.labels[i]
        box = prompts.boxes[i] if prompts.boxes is not None and prompts.has_boxes[i] else None
        there.append(rles[i])
        new.append(
            MaskRecord(
                rle=rles[i],
                label=name if labels is None or name in labels else "",
                accepted=False,
                source=source,
                predicted_iou=_finite(float(best.iou_scores[i, 0])),
                stability=None if stability is None else _finite(float(stability[i])),
                score=None if prompts.scores is None else _finite(float(prompts.scores[i])),
                points=_points(best, i),
                box=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            )
        )
    return tuple(new)


def _stability(best: Masks) -> np.ndarray | None:
    if best.stability is not None:
        return best.stability[:, 0]
    return None if best.logits is None else best.stability_scores()[:, 0]


def _points(masks: Masks, i: int) -> tuple[tuple[float, float, int], ...]:
    prompts = masks.prompts
    if prompts.points is None or prompts.point_labels is None:
        return ()
    pairs: Sequence[tuple[np.ndarray, int]] = list(
        zip(prompts.points[i], prompts.point_labels[i].tolist(), strict=True)
    )
    return tuple((float(x), float(y), int(kind)) for (x, y), kind in pairs if kind >= 0)


def _finite(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
