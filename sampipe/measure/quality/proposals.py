"""Object proposals: which share of the annotated objects is among the automatic masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.annotations import read_annotations
from sampipe.errors import CheckpointError, DataError
from sampipe.measure.quality import plots
from sampipe.measure.quality.average_precision import area_of
from sampipe.measure.quality.comparison import timed
from sampipe.measure.quality.figures import by_image, counts, mean_summary
from sampipe.measure.quality.recall import groups_of, ranks_by_group, recall_at
from sampipe.measure.quality.report import MODEL, Evaluation, Scored, Table, interval, number, prefix
from sampipe.measure.quality.results import keyed
from sampipe.measure.quality.task import Prepared, Request, Task, made_with
from sampipe.nodes import SegmentEverything
from sampipe.types import RLE, Image, Masks

LIMITS = (1, 10, 100, 1000)
GROUPS = ("all", "small", "medium", "large", "frequent", "common", "rare")
Proposed = Mapping[str, tuple[list[RLE], float]]
"""Each model's masks of an image, best first, and its seconds."""


@dataclass
class Proposals(Task[AnnotatedImage, Proposed]):
    """Average recall of the automatic masks, by size and, for LVIS, by the frequency of the category.

    A grid of 64 × 64 points, non-maximum suppression at 0.9, ranked by the mean of predicted IoU and stability, at
    most 1,000 (paper, section 7.3 and appendix D.3). Recall asks for what is annotated and for nothing else, so
    LVIS's federated annotations need no more than this; crowds are left out. ``data`` is a COCO or LVIS folder;
    competitors are other Segment Anything models.

    Args:
        points_per_side, box_nms: of :class:`~sampipe.nodes.SegmentEverything`.
        min_iou, stability: its thresholds; None for the model's own.
        annotations: another annotation file than the folder's own.
    """

    points_per_side: int = 64
    box_nms: float = 0.9
    min_iou: float | None = None
    stability: float | None = None
    annotations: Path | None = None
    name = "proposals"

    def prepare(self, request: Request) -> Prepared[AnnotatedImage]:
        """Read the annotations and load the models."""
        from sampipe.models import load_segmenter

        read = read_annotations(request.data, annotations=self.annotations, limit=request.limit, seed=request.seed)
        self._categories, self._seed, self._min_area = read.categories, request.seed, request.min_area or 0
        sam = load_segmenter(request.model, request.device)
        digests = {}
        for name in request.competitors or ():
            try:
                digests[f"{name}_digest"] = load_segmenter(name, request.device).key
            except CheckpointError as error:
                raise DataError(f"competitors: got {name}; wanted other models: {error}") from error
        parameters = {
            "points_per_side": self.points_per_side,
            "box_nms": self.box_nms,
            "min_iou": self.min_iou,
            "stability_threshold": self.stability,
        }
        self._nodes = {
            name: SegmentEverything(model=model, device=request.device, **parameters)  # type: ignore[arg-type]
            for name, model in ((MODEL, request.model), *((name, name) for name in request.competitors or ()))
        }
        return Prepared(
            items=keyed([image.name for image in read.images], read.images),
            versions=made_with(sam, data_digest=read.digest(), **digests),
            parameters=parameters,
            reports={read.name: read.report},
        )

    def answer(self, item: AnnotatedImage) -> Proposed:
        """Each model's automatic masks, ranked."""
        image = item.open()
        return {name: timed(partial(_ranked, node, image)) for name, node in self._nodes.items()}

    def score(self, item: AnnotatedImage, answer: Proposed) -> Scored:
        """The ranks at which the image's objects are found among the masks."""
        objects = [one for one in item.objects if not one.crowd and one.mask.area >= self._min_area]
        categories = [self._categories[one.category_id] for one in objects if one.category_id is not None]
        groups = [groups_of(area_of(one), its.extra) for one, its in zip(objects, categories, strict=True)]
        ranks = {
            f"{prefix(name)}ranks": ranks_by_group(proposals, [one.mask for one in objects], groups)
            for name, (proposals, _) in answer.items()
        }
        rows = [
            {
                "image": item.name,
                "annotation": one.id,
                "category": one.category,
                "area": area_of(one),
                **{key: values[index] for key, values in ranks.items()},
            }
            for index, one in enumerate(objects)
        ]
        seconds = {name: seconds for name, (_, seconds) in answer.items()}
        return {"rows": rows, "seconds": seconds, "proposals": {name: len(one) for name, (one, _) in answer.items()}}

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """Average recall at each number of proposals, for each group of objects, with intervals."""
        summary = counts(scored)
        for name in self._nodes:
            start = prefix(name)
            summary[f"{start}proposals_per_image"] = float(np.mean([one["proposals"][name] for one in scored]))
            summary[f"{start}seconds_per_image"] = float(np.mean([one["seconds"][name] for one in scored]))
            ranks = by_image(scored, f"{start}ranks")
            for group in GROUPS:
                members = [[one[group] for one in image if group in one] for image in ranks]
                summary[f"objects_{group}"] = sum(len(image) for image in members)
                for most in LIMITS if any(members) else ():
                    recalls = [[recall_at(one, most) for one in image] for image in members]
                    summary |= mean_summary(f"{start}{_key(most, group)}", recalls, self._seed)
        return summary

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """A table for each model: recall by group of objects and number of proposals."""
        summary, side = evaluation.summary, self.points_per_side
        columns = ("objects", "number", *(f"AR@{most}" for most in LIMITS), "95 % interval")
        for name, start in evaluation.methods.items():
            title = (
                f"{summary[f'{start}proposals_per_image']:.0f} masks an image from {side} x {side} points, "
                f"{summary['images']} images, {summary[f'{start}seconds_per_image']:.1f} s each"
            )
            rows = []
            for group in (group for group in GROUPS if summary[f"objects_{group}"]):
                keys = [f"{start}{_key(most, group)}" for most in LIMITS]
                last = interval(summary[f"{keys[-1]}_interval"])
                rows.append((group, str(summary[f"objects_{group}"]), *(number(summary[key]) for key in keys), last))
            yield Table(columns, rows, f"{name}: {title}" if start else title)

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """The model's average recall by number of proposals, for each group of objects."""
        with plots.figure(path, 1) as (axes,):
            for group in GROUPS:
                if evaluation.summary[f"objects_{group}"]:
                    recalls = [evaluation.summary[_key(most, group)] for most in LIMITS]
                    axes.plot(LIMITS, recalls, marker="o", label=f"{group} ({evaluation.summary[f'objects_{group}']})")
            axes.set(xscale="log", xlabel="proposals an image", ylabel="average recall", ylim=(0, 1))
            axes.legend(frameon=False)

    def smoke(self, request: Request, folder: Path) -> tuple[Proposals, Request]:
        """A grid of 3 × 3 points on two made-up images."""
        return Proposals(points_per_side=3), super().smoke(request, folder)[1]


def ranked(masks: Masks) -> list[RLE]:
    """The masks by the mean of predicted IoU and stability, best first, at most 1,000."""
    if not len(masks):
        return []
    score = (masks.iou_scores[:, 0] + masks.stability_scores()[:, 0]) / 2
    rles = masks.rle()
    return [rles[index] for index in np.argsort(-score, kind="stable")[: max(LIMITS)]]


def _ranked(node: SegmentEverything, image: Image) -> list[RLE]:
    return ranked(node.run(image))


def _key(most: int, group: str) -> str:
    return f"ar{most}" if group == "all" else f"ar{most}_{group}"
