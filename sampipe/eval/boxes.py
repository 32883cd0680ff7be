"""Masks from ground-truth boxes: how well a model cuts out what it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe.errors import DataError
from sampipe.eval.competitors import Competitor, ellipse
from sampipe.eval.report import Evaluation, versions
from sampipe.eval.statistics import bootstrap_interval
from sampipe.types import RLE, Image, Prompts
from sampipe.types.coco import Picture, read_coco
from sampipe.types.rle import iou_matrix

if TYPE_CHECKING:
    from sampipe.models import SamModel

MIN_AREA = 32**2
"""COCO's line between small objects and the others, in px²."""


def evaluate_boxes(
    model: str,
    data: str | Path,
    *,
    device: str = "auto",
    limit: int | None = None,
    min_area: int = MIN_AREA,
    seed: int = 0,
    competitors: Mapping[str, Competitor] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Prompt ``model`` with every ground-truth box of ``data`` and compare its one mask with the true one.

    The single-mask output answers (a box leaves no ambiguity), for all boxes of a picture at once. The first
    picture is encoded once before the clock starts.

    Args:
        model: a name or a file, as for ``load_model``.
        data: a COCO folder.
        limit: at most so many pictures, drawn with ``seed``.
        min_area: smallest mask area in px².
        seed: of the draw and of the bootstrap.
        competitors: what answers beside the model, by name; by default the ellipse that fills the box.
        progress: told (pictures done, pictures in all).

    Raises:
        DataError: the folder or one of its files is not what it should be.
        CheckpointError: the model cannot be loaded.
    """
    from sampipe.models import load_model

    pictures = read_coco(data, min_area=min_area, limit=limit, seed=seed)
    rivals = {"ellipse": ellipse} if competitors is None else dict(competitors)
    sam = load_model(model, device)
    sam.encode([Image.open(pictures[0].path)])
    measured = []
    for done, picture in enumerate(pictures, start=1):
        measured.append(_measure(sam, picture, rivals))
        if progress is not None:
            progress(done, len(pictures))
    rows = [row for picture in measured for row in picture.rows]
    return Evaluation(
        task="boxes",
        model=model,
        data=str(data),
        n=len(rows),
        summary={"min_area": min_area, "seed": seed, **_summary(measured, list(rivals), seed)},
        rows=rows,
        versions=versions(model_digest=sam.key, device=str(sam.device)),
    )


@dataclass
class _Measured:
    """One picture's rows and the seconds they took, by who answered."""

    rows: list[dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)


def _measure(sam: SamModel, picture: Picture, rivals: Mapping[str, Competitor]) -> _Measured:
    image = Image.open(picture.path)
    if image.hw != picture.objects[0].mask.hw:
        raise DataError(
            f"{picture.path}: the file is {image.hw}, its annotations {picture.objects[0].mask.hw} (height, width)"
        )
    boxes = np.array([truth.xyxy for truth in picture.objects], dtype=np.float32)
    truths = [truth.mask for truth in picture.objects]

    seconds, start = {}, time.perf_counter()
    masks = sam.decode(sam.encode([image])[0], Prompts.from_boxes(boxes), multimask=False)
    answers = masks.rle()
    seconds["model"] = time.perf_counter() - start
    if len(answers) != len(truths):
        raise DataError(f"{picture.path}: {len(truths) - len(answers)} of its boxes lie outside the image")

    columns: dict[str, Sequence[float]] = {
        "iou": _ious(answers, truths),
        "predicted_iou": [float(score) for score in masks.iou_scores[:, 0]],
    }
    for name, rival in rivals.items():
        start = time.perf_counter()
        guesses = rival(image, boxes)
        seconds[name] = time.perf_counter() - start
        columns[f"{name}_iou"] = _ious(guesses, truths)
    rows = [
        {
            "image": picture.path.name,
            "annotation": truth.id,
            "category": truth.category,
            "area": truth.mask.area,
            **{name: values[index] for name, values in columns.items()},
        }
        for index, truth in enumerate(picture.objects)
    ]
    return _Measured(rows, seconds)


def _ious(answers: Sequence[RLE], truths: Sequence[RLE]) -> list[float]:
    return [float(iou_matrix([answer], [truth])[0, 0]) for answer, truth in zip(answers, truths, strict=True)]


def _summary(measured: Sequence[_Measured], rivals: Sequence[str], seed: int) -> dict[str, Any]:
    objects = sum(len(picture.rows) for picture in measured)
    summary: dict[str, Any] = {"images": len(measured), "objects": objects}
    for name in ("model", *rivals):
        prefix = "" if name == "model" else f"{name}_"
        groups = [[row[f"{prefix}iou"] for row in picture.rows] for picture in measured]
        seconds = sum(picture.seconds[name] for picture in measured)
        summary[f"{prefix}mean_iou"] = float(np.mean([iou for group in groups for iou in group]))
        summary[f"{prefix}mean_iou_interval"] = list(bootstrap_interval(groups, seed=seed))
        summary[f"{prefix}seconds_per_image"] = seconds / len(measured)
        summary[f"{prefix}seconds_per_object"] = seconds / objects
        if prefix:
            gains = [[row["iou"] - row[f"{prefix}iou"] for row in picture.rows] for picture in measured]
            summary[f"gain_over_{name}"] = float(np.mean([gain for group in gains for gain in group]))
            summary[f"gain_over_{name}_interval"] = list(bootstrap_interval(gains, seed=seed))
    return summary
