"""Instance segmentation: a detector's boxes, through Segment Anything, as COCO and LVIS score them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sampipe._optional import require
from sampipe.data.annotated import AnnotatedImage
from sampipe.data.annotations import read_annotations
from sampipe.errors import DataError
from sampipe.graph import Node
from sampipe.measure.quality import plots
from sampipe.measure.quality.answers import Baseline
from sampipe.measure.quality.average_precision import MOST_DETECTIONS, MOST_DETECTIONS_LVIS, area_of, average_precision
from sampipe.measure.quality.comparison import Comparison, timed
from sampipe.measure.quality.detections import BoxSource, Detections, DetectorNode, ResultsFile
from sampipe.measure.quality.report import Evaluation, Scored, Table, number, prefix
from sampipe.measure.quality.results import keyed
from sampipe.measure.quality.task import Prepared, Request, Task, made_with
from sampipe.types import RLE, Image, Prompts

_COLUMNS = {
    "ap": "AP",
    "ap50": "AP50",
    "ap75": "AP75",
    "ap_small": "small",
    "ap_medium": "medium",
    "ap_large": "large",
    "ap_rare": "rare",
    "ap_common": "common",
    "ap_frequent": "frequent",
}


@dataclass(frozen=True)
class Segmented:
    """The detections of an image, everybody's masks of their boxes, and the seconds of each."""

    found: Detections
    masks: Mapping[str, list[RLE]]
    seconds: Mapping[str, float]


@dataclass
class Instances(Task[AnnotatedImage, Segmented]):
    """AP of the masks that a model makes of detected boxes, beside the AP of the boxes (paper, section 7.4).

    The single mask of each box counts, with the detector's score. ``data`` is a COCO or LVIS folder.

    Args:
        detections: a file of COCO results, or a node from ``Image`` to ``Prompts``.
        annotations: another annotation file than the folder's own.
    """

    detections: Path | Node | None = None
    annotations: Path | None = None
    name = "instances"
    competitors = ("ellipse",)

    def prepare(self, request: Request) -> Prepared[AnnotatedImage]:
        """Read annotations and detections, and load everybody."""
        from sampipe.models import load_segmenter

        require("faster_coco_eval", "eval")
        if self.detections is None:
            raise DataError("detections: got none; give --detections FILE or --detector ID: where the boxes come from")
        self._min_area = request.min_area or 0
        self._truth = read_annotations(
            request.data, annotations=self.annotations, limit=request.limit, seed=request.seed
        )
        self._source: BoxSource
        if isinstance(self.detections, Node):
            self._source = DetectorNode(self.detections, self._truth)
        else:
            self._source = ResultsFile(self.detections, self._truth)
        sam = load_segmenter(request.model, request.device)
        self._comparison = Comparison.of(sam, request, "boxes")
        digests = {"data_digest": self._truth.digest(), "detections_digest": self._source.digest}
        return Prepared(
            items=keyed([image.name for image in self._truth.images], self._truth.images),
            versions=made_with(sam, **digests, **self._comparison.digests)
            | {"faster-coco-eval": version("faster-coco-eval")},
            reports={self._truth.name: self._truth.report},
        )

    def answer(self, item: AnnotatedImage) -> Segmented:
        """Everybody's masks of the best detections of one image."""
        image = item.open()
        lvis = self._truth.federated
        found = self._source.of(item, image).best(MOST_DETECTIONS_LVIS if lvis else MOST_DETECTIONS, of_all=lvis)
        methods = self._comparison.methods.items()
        answers = {name: timed(partial(_masks, method, image, found.boxes)) for name, method in methods}
        return Segmented(
            found,
            {name: masks for name, (masks, _) in answers.items()},
            {name: seconds for name, (_, seconds) in answers.items()},
        )

    def score(self, item: AnnotatedImage, answer: Segmented) -> Scored:
        """The masks in COCO's results format, by method; they are compared with the truth all together."""
        found = answer.found
        rows = [
            {
                "image_id": item.id,
                "category_id": found.category_ids[index],
                "score": float(found.scores[index]),
                "bbox": [float(value) for value in (*box[:2], *(box[2:] - box[:2]))],
                "segmentations": {name: rles[index].to_coco() for name, rles in answer.masks.items()},
            }
            for index, box in enumerate(found.boxes)
        ]
        return {"rows": rows, "seconds": dict(answer.seconds), "unknown": found.unknown}

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """AP of boxes and of everybody's masks."""
        rows = self.rows(scored)
        summary: dict[str, Any] = {
            "images": len(scored),
            "objects": sum(area_of(one) >= self._min_area for image in self._truth.images for one in image.objects),
            "detections_per_image": len(rows) / len(scored),
            "detections_of_other_categories": sum(one["unknown"] for one in scored),
            **{f"box_{key}": value for key, value in self._average_precision(rows, "bbox").items()},
        }
        for name in self._comparison.methods:
            start = prefix(name)
            masks = self._average_precision(
                [{**row, "segmentation": row["segmentations"][name]} for row in rows], "segm"
            )
            summary |= {f"{start}{key}": value for key, value in masks.items()}
            box_ap, mask_ap = summary["box_ap"], masks["ap"]
            summary[f"{start}share_of_ap_lost"] = 1 - mask_ap / box_ap if box_ap and mask_ap is not None else None
            summary[f"{start}seconds_per_image"] = float(np.mean([one["seconds"][name] for one in scored]))
        return summary

    def _average_precision(
        self, rows: Sequence[Mapping[str, Any]], kind: Literal["bbox", "segm"]
    ) -> dict[str, float | None]:
        return average_precision(self._truth, rows, kind, min_area=self._min_area)

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """AP of the boxes and of everybody's masks."""
        summary = evaluation.summary
        shown = {key: words for key, words in _COLUMNS.items() if key in summary}
        rows = [("boxes", *(number(summary[f"box_{key}"]) for key in shown), "")]
        for name, start in evaluation.methods.items():
            lost = number(summary[f"{start}share_of_ap_lost"], ".1%")
            rows.append((f"masks by {name}", *(number(summary[f"{start}{key}"]) for key in shown), lost))
        title = (
            f"{summary['images']} images, {summary['objects']} objects, "
            f"{summary['detections_per_image']:.1f} detections an image"
        )
        yield Table(("", *shown.values(), "AP lost"), rows, title)
        if summary["detections_of_other_categories"]:
            yield f"{summary['detections_of_other_categories']} detections are of categories that the data lack"

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """AP of the boxes beside that of everybody's masks, for all objects and by size."""
        sizes = {"ap": "all", "ap_small": "small", "ap_medium": "medium", "ap_large": "large"}
        kinds = {"boxes": "box_", **{f"masks by {name}": start for name, start in evaluation.methods.items()}}
        width = 0.8 / len(kinds)
        with plots.figure(path, 1) as (axes,):
            for place, (name, start) in enumerate(kinds.items()):
                heights = [evaluation.summary[f"{start}{key}"] or 0 for key in sizes]
                axes.bar(np.arange(len(sizes)) + (place - (len(kinds) - 1) / 2) * width, heights, width, label=name)
            axes.set(ylabel="AP", xticks=np.arange(len(sizes)), xticklabels=sizes.values())
            axes.legend(frameon=False)

    def smoke(self, request: Request, folder: Path) -> tuple[Instances, Request]:
        """Two made-up images, and their true boxes as detections."""
        return Instances(detections=folder / "detections.json"), super().smoke(request, folder)[1]


def _masks(method: Baseline, image: Image, boxes: np.ndarray) -> list[RLE]:
    """One mask a box; an empty one for a box with nothing of it inside the image."""
    inside = boxes.clip(0, (*image.wh, *image.wh))
    visible = ((inside[:, 2:] - inside[:, :2]) > 0).all(axis=1)
    masks = [RLE.empty(image.hw)] * len(boxes)
    if visible.any():
        answers = method.start(image).answer(Prompts.from_boxes(inside[visible].astype(np.float32)))
        if len(answers) != visible.sum():
            raise DataError(f"{image}: {visible.sum()} boxes and {len(answers)} masks")
        for index, mask in zip(np.flatnonzero(visible), answers.chosen(), strict=True):
            masks[index] = mask
    return masks
