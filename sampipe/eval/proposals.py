"""Object proposals: which share of the annotated objects is among the automatic masks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.eval.annotations import AnnotatedImage, read_annotations
from sampipe.eval.recall import groups_of, ranks_by_group, recall_at
from sampipe.eval.report import Evaluation, versions
from sampipe.eval.results import Progress, Results, Shard, keys
from sampipe.eval.summaries import mean_summary
from sampipe.nodes import SegmentEverything
from sampipe.types import RLE, Masks

LIMITS = (1, 10, 100, 1000)
GROUPS = ("all", "small", "medium", "large", "frequent", "common", "rare")


def evaluate_proposals(
    model: str,
    data: str | Path,
    *,
    annotations: Path | None = None,
    points_per_side: int = 64,
    box_nms: float = 0.9,
    pred_iou: float | None = None,
    stability: float | None = None,
    device: str = "auto",
    limit: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Average recall of the automatic masks, by size and, for LVIS, by the frequency of the category.

    A grid of 64 × 64 points, non-maximum suppression at 0.9, ranked by the mean of predicted IoU and stability, at
    most 1,000 (paper, section 7.3 and appendix D.3). Recall asks for what is annotated and for nothing else, so
    LVIS's federated annotations need no more than this; crowds are left out.

    Args:
        model: a name or a file, as for ``load_model``.
        data: a COCO or LVIS folder, see :func:`~sampipe.eval.annotations.read_annotations`.
        annotations: another annotation file than the folder's own.
        points_per_side, box_nms: of :class:`~sampipe.nodes.SegmentEverything`.
        pred_iou, stability: its thresholds; None for the model's own.
        device, limit, seed, out, shard, progress: see :func:`~sampipe.eval.boxes.evaluate_boxes`.

    Raises:
        DataError: the data or the folder are not what they should be.
        CheckpointError: the model cannot be loaded.
    """
    from sampipe.models import load_model

    read = read_annotations(data, annotations=annotations, limit=limit, seed=seed)
    sam = load_model(model, device)
    node = SegmentEverything(
        model=model,
        device=device,
        points_per_side=points_per_side,
        box_nms=box_nms,
        pred_iou_threshold=pred_iou,
        stability_threshold=stability,
    )
    parameters = {
        "seed": seed,
        "points_per_side": points_per_side,
        "box_nms": box_nms,
        "pred_iou": pred_iou,
        "stability": stability,
    }
    made_with = versions(model_digest=sam.key, device=str(sam.device), data_digest=read.digest())
    items = dict(zip(keys([image.path.name for image in read.images]), read.images, strict=True))
    results = Results(out, {"task": "proposals", **parameters, **made_with}, shard or Shard())
    measured = results.collect(items, lambda image: measure_proposals(node, image, read.categories), progress)
    rows = [row for one in measured for row in one["rows"]]
    return Evaluation(
        task="proposals",
        model=model,
        data=str(data),
        n=len(rows),
        summary={**parameters, **_summary(measured, seed)},
        rows=rows,
        versions=made_with,
    )


def measure_proposals(
    node: SegmentEverything, image: AnnotatedImage, categories: Mapping[int, Mapping[str, Any]]
) -> dict[str, Any]:
    """The ranks at which one image's objects are found among its automatic masks."""
    pixels = image.open()
    start = time.perf_counter()
    proposals = ranked(node.run(pixels))
    seconds = time.perf_counter() - start
    objects = [(truth, mask) for truth, mask in zip(image.truths, image.masks(), strict=True) if not truth["iscrowd"]]
    groups = [groups_of(truth["area"], categories[truth["category_id"]]) for truth, _ in objects]
    found = ranks_by_group(proposals, [mask for _, mask in objects], groups)
    rows = [
        {
            "image": image.path.name,
            "annotation": truth["id"],
            "category": str(categories[truth["category_id"]]["name"]),
            "area": truth["area"],
            "ranks": ranks,
        }
        for (truth, _), ranks in zip(objects, found, strict=True)
    ]
    return {"rows": rows, "proposals": len(proposals), "seconds": seconds}


def ranked(masks: Masks) -> list[RLE]:
    """The masks by the mean of predicted IoU and stability, best first, at most 1,000."""
    if not len(masks):
        return []
    score = (masks.iou_scores[:, 0] + masks.stability_scores()[:, 0]) / 2
    rles = masks.rle()
    return [rles[index] for index in np.argsort(-score, kind="stable")[: max(LIMITS)]]


def _summary(measured: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "images": len(measured),
        "objects": sum(len(one["rows"]) for one in measured),
        "proposals_per_image": float(np.mean([one["proposals"] for one in measured])),
        "seconds_per_image": float(np.mean([one["seconds"] for one in measured])),
    }
    for group in GROUPS:
        of_group = [[row["ranks"][group] for row in one["rows"] if group in row["ranks"]] for one in measured]
        of_group = [ranks for ranks in of_group if ranks]
        summary[f"objects_{group}"] = sum(len(ranks) for ranks in of_group)
        for most in LIMITS if of_group else ():
            key = f"ar{most}" if group == "all" else f"ar{most}_{group}"
            summary |= mean_summary(key, [[recall_at(one, most) for one in ranks] for ranks in of_group], seed)
    return summary
