"""Masks from ground-truth boxes: how well a model segments what it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.data.annotated import AnnotatedImage
from sampipe.measure.quality import plots
from sampipe.measure.quality.boundary_iou import boundary_ious
from sampipe.measure.quality.comparison import (
    MIN_AREA,
    Asked,
    Comparison,
    ious,
    numbers,
    prepared_images,
    rows_of,
    speed_summary,
)
from sampipe.measure.quality.figures import (
    by_image,
    correlation_summary,
    counts,
    gain_cells,
    gain_summary,
    mean_summary,
    notes,
)
from sampipe.measure.quality.report import Evaluation, Scored, Table, counted, interval, lines, number, prefix
from sampipe.measure.quality.task import Prepared, Request, Task
from sampipe.types import Prompts

_COLUMNS = ("masks by", "mean IoU", "95 % interval", "boundary IoU", "s per image", "s per object", "s for 10 objects")
_SECONDS = ("seconds_per_image", "seconds_per_object", "seconds_with_10_objects")


@dataclass
class Boxes(Task[AnnotatedImage, dict[str, Asked]]):
    """Prompt a model with every ground-truth box and compare its one mask with the true one.

    The single-mask output answers (a box leaves no ambiguity), for all boxes of an image at once. Competitors get
    the same boxes. ``data`` is a COCO folder or a YAML list of them.
    """

    name = "boxes"
    min_area = MIN_AREA
    competitors = ("ellipse",)

    def prepare(self, request: Request) -> Prepared[AnnotatedImage]:
        """Read the images and load everybody."""
        from sampipe.models import load_segmenter

        sam = load_segmenter(request.model, request.device)
        self._comparison, self._seed = Comparison.of(sam, request, "boxes"), request.seed
        return prepared_images(request, sam, self._comparison)

    def answer(self, item: AnnotatedImage) -> dict[str, Asked]:
        """Everybody's masks for the boxes of one image."""
        boxes = np.array([truth.xyxy for truth in item.objects], dtype=np.float32)
        return self._comparison.ask(item.open(), Prompts.from_boxes(boxes))

    def score(self, item: AnnotatedImage, answer: dict[str, Asked]) -> Scored:
        """IoU, boundary IoU and predicted IoU of each mask."""
        truths = [truth.mask for truth in item.objects]
        columns: dict[str, Sequence[Any]] = {}
        for name, asked in answer.items():
            chosen, start = asked.answers.chosen(), prefix(name)
            columns[f"{start}iou"] = ious(chosen, truths)
            columns[f"{start}boundary_iou"] = boundary_ious(chosen, truths)
            columns[f"{start}predicted_iou"] = numbers(asked.answers.chosen_predicted())
        return {"rows": rows_of(item, columns), "seconds": {name: asked.seconds for name, asked in answer.items()}}

    def summarise(self, scored: Sequence[Scored]) -> dict[str, Any]:
        """Means with intervals, gains, correlation of predicted with true IoU, and time."""
        summary, names = counts(scored), list(self._comparison.methods)
        for name in names:
            start = prefix(name)
            summary |= mean_summary(f"{start}mean_iou", by_image(scored, f"{start}iou"), self._seed)
            summary |= mean_summary(f"{start}boundary_iou", by_image(scored, f"{start}boundary_iou"), self._seed)
            summary |= correlation_summary(scored, name, self._seed)
            summary |= gain_summary(scored, name, "iou", self._seed)
        return summary | speed_summary(scored, names)

    def tables(self, evaluation: Evaluation) -> Iterator[Table | str]:
        """Everybody's figures, then the model's gain over each competitor."""
        rows, gains = [], []
        for data, summary in evaluation.summaries().items():
            for name, start in evaluation.methods.items():
                figures = number(summary[f"{start}mean_iou"]), interval(summary[f"{start}mean_iou_interval"])
                seconds = (number(summary[f"{start}{key}"]) for key in _SECONDS)
                rows.append((data, (name, *figures, number(summary[f"{start}boundary_iou"]), *seconds)))
            gains += [(data, gain_cells(summary, name)) for name in evaluation.summary["competitors"]]
        yield Table.by_data(rows, _COLUMNS, counted(evaluation))
        if gains:
            model = Path(evaluation.model).stem
            yield Table.by_data(gains, (f"{model} over", "gain in IoU", "95 % interval", "times faster"))
        for data, summary in evaluation.summaries().items():
            yield from lines(data, notes(summary))

    def plot(self, evaluation: Evaluation, path: Path) -> None:
        """The share of objects that reach each IoU, and what the model predicts against what is true."""
        with plots.figure(path, 2) as (left, right):
            plots.reached(left, evaluation, "iou")
            plots.predicted(right, evaluation)
