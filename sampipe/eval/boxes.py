"""Masks from ground-truth boxes: how well a model cuts out what it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.eval.competitors import Rivals
from sampipe.eval.competitors import competitors as by_name
from sampipe.eval.contest import MIN_AREA, MODEL, Contest, Entrants, ask, ious, numbers, prefix, rows_of
from sampipe.eval.datasets import open_picture
from sampipe.eval.report import Evaluation
from sampipe.eval.results import Progress, Shard
from sampipe.eval.speed import speed_summary
from sampipe.eval.summaries import Measured, by_picture, correlation_summary, gain_summary, mean_summary
from sampipe.types import Prompts
from sampipe.types.coco import Picture


def evaluate_boxes(
    model: str,
    data: str | Path,
    *,
    device: str = "auto",
    limit: int | None = None,
    min_area: int = MIN_AREA,
    seed: int = 0,
    competitors: Rivals = ("ellipse",),
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Prompt ``model`` with every ground-truth box of ``data`` and compare its one mask with the true one.

    The single-mask output answers (a box leaves no ambiguity), for all boxes of a picture at once. Competitors
    get the same boxes.

    Args:
        model: a name or a file, as for ``load_model``.
        data: a COCO folder, or a YAML list of them (:func:`~sampipe.eval.datasets.read_data_sets`).
        limit: at most so many pictures of a data set, drawn with ``seed``.
        min_area: smallest mask area in px².
        seed: of the draw and of the bootstrap.
        competitors: who answers beside the model, see :func:`~sampipe.eval.competitors.competitors`.
        out: folder for results picture by picture; one that holds a part of this run goes on there.
        shard: of a folder that several processes share.
        progress: told (pictures done, pictures in all).

    Raises:
        DataError: the data, a competitor or the folder are not what they should be.
        CheckpointError: the model cannot be loaded.
    """
    contest = Contest.of(
        "boxes",
        model,
        data,
        by_name(competitors, "boxes"),
        device=device,
        min_area=min_area,
        limit=limit,
        seed=seed,
    )
    return contest.run(
        measure_boxes,
        lambda measured, names: _summary(measured, names, seed),
        out=out,
        shard=shard,
        progress=progress,
    )


def measure_boxes(entrants: Entrants, picture: Picture) -> Measured:
    """Everybody's answers to the boxes of one picture."""
    image = open_picture(picture)
    prompts = Prompts.from_boxes(np.array([truth.xyxy for truth in picture.objects], dtype=np.float32))
    truths = [truth.mask for truth in picture.objects]
    columns: dict[str, Sequence[Any]] = {}
    seconds = {}
    for name, entrant in entrants.items():
        try:
            _, answers, seconds[name] = ask(entrant, image, prompts)
        except DataError as error:
            raise DataError(f"{picture.path}: {error}") from error
        columns[f"{prefix(name)}iou"] = ious(answers.chosen(), truths)
        columns[f"{prefix(name)}predicted_iou"] = numbers(answers.chosen_predicted())
    return {"rows": rows_of(picture, columns), "seconds": seconds}


def _summary(measured: Sequence[Measured], names: Sequence[str], seed: int) -> dict[str, Any]:
    summary: dict[str, Any] = {"images": len(measured), "objects": sum(len(one["rows"]) for one in measured)}
    for name in names:
        start = prefix(name)
        summary |= mean_summary(f"{start}mean_iou", by_picture(measured, f"{start}iou"), seed)
        summary |= correlation_summary(measured, start, "iou", "predicted_iou", seed)
        if name != MODEL:
            summary |= gain_summary(measured, name, "iou", seed)
    return summary | speed_summary(measured, names)
