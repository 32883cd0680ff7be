"""Instance segmentation: a detector's boxes, through Segment Anything, as COCO and LVIS score them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.eval.annotations import AnnotatedImage, read_annotations
from sampipe.eval.answers import Competitor
from sampipe.eval.competitors import Rivals
from sampipe.eval.competitors import competitors as by_name
from sampipe.eval.contest import MODEL, Entrants, prefix
from sampipe.eval.detections import DetectorNode, ResultsFile, Source
from sampipe.eval.precision import MOST_DETECTIONS, MOST_DETECTIONS_LVIS, average_precision
from sampipe.eval.report import Evaluation, versions
from sampipe.eval.results import Progress, Results, Shard, keys
from sampipe.graph import Node
from sampipe.types import RLE, Image, Prompts


def evaluate_instances(
    model: str,
    data: str | Path,
    detections: Path | Node,
    *,
    annotations: Path | None = None,
    competitors: Rivals = ("ellipse",),
    device: str = "auto",
    limit: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """AP of the masks that ``model`` makes of detected boxes, beside the AP of the boxes (paper, section 7.4).

    The single mask of each box counts, with the detector's score.

    Args:
        model: a name or a file, as for ``load_model``.
        data: a COCO or LVIS folder, see :func:`~sampipe.eval.annotations.read_annotations`.
        detections: a file of COCO results, or a node from ``Image`` to ``Prompts``.
        annotations: another annotation file than the folder's own.
        competitors: who makes masks of the same boxes, see :func:`~sampipe.eval.competitors.competitors`.
        device, limit, seed, out, shard, progress: see :func:`~sampipe.eval.boxes.evaluate_boxes`.

    Raises:
        DataError: the data, the detections or the folder are not what they should be.
        CheckpointError: the model cannot be loaded.
        MissingDependencyError: faster-coco-eval is not installed.
    """
    from sampipe.eval.sam_competitor import SamCompetitor
    from sampipe.models import load_model

    require("faster_coco_eval", "eval")
    read = read_annotations(data, annotations=annotations, limit=limit, seed=seed)
    source: Source = DetectorNode(detections, read) if isinstance(detections, Node) else ResultsFile(detections, read)
    sam = load_model(model, device)
    entrants: Entrants = {MODEL: SamCompetitor(sam), **by_name(competitors, "boxes")}
    made_with = versions(
        model_digest=sam.key,
        device=str(sam.device),
        data_digest=read.digest(),
        detections_digest=source.digest,
        **{f"{name}_digest": rival.digest for name, rival in entrants.items() if name != MODEL and rival.digest},
    ) | {"faster-coco-eval": version("faster-coco-eval")}
    fingerprint = {"task": "instances", "seed": seed, "competitors": list(competitors), **made_with}
    items = dict(zip(keys([image.path.name for image in read.images]), read.images, strict=True))
    most = MOST_DETECTIONS_LVIS if read.federated else MOST_DETECTIONS
    measured = Results(out, fingerprint, shard or Shard()).collect(
        items, lambda image: measure_instances(entrants, source, image, most), progress
    )
    rows = [row for one in measured for row in one["rows"]]
    summary: dict[str, Any] = {
        "seed": seed,
        "images": len(measured),
        "objects": len(read.document["annotations"]),
        "detections_per_image": len(rows) / len(measured),
        "detections_of_other_categories": sum(one["unknown"] for one in measured),
        **{f"box_{key}": value for key, value in average_precision(read, rows, "bbox").items()},
    }
    for name in entrants:
        answered = [{**row, "segmentation": row["segmentations"][name]} for row in rows]
        summary |= _mask_summary(prefix(name), summary["box_ap"], average_precision(read, answered, "segm"))
        summary[f"{prefix(name)}seconds_per_image"] = float(np.mean([one["seconds"][name] for one in measured]))
    return Evaluation(
        task="instances",
        model=model,
        data=str(data),
        n=len(rows),
        summary=summary,
        rows=rows,
        versions=made_with,
    )


def _mask_summary(start: str, box_ap: float, masks: Mapping[str, float | None]) -> dict[str, Any]:
    mask_ap = masks["ap"]
    lost = None if not box_ap or mask_ap is None else 1 - mask_ap / box_ap
    return {**{f"{start}{key}": value for key, value in masks.items()}, f"{start}share_of_ap_lost": lost}


def measure_instances(entrants: Entrants, source: Source, annotated: AnnotatedImage, most: int) -> dict[str, Any]:
    """The masks that everybody makes of one image's detections, in COCO's results format, by entrant."""
    image = annotated.open()
    found = source.of(annotated, image).best(most)
    masks: dict[str, list[RLE]] = {}
    seconds = {}
    for name, entrant in entrants.items():
        start = time.perf_counter()
        masks[name] = _masks(entrant, image, found.boxes)
        seconds[name] = time.perf_counter() - start
    rows = [
        {
            "image_id": annotated.id,
            "category_id": int(found.category_ids[index]),
            "score": float(found.scores[index]),
            "bbox": [float(value) for value in (*box[:2], *(box[2:] - box[:2]))],
            "segmentations": {name: rles[index].to_coco() for name, rles in masks.items()},
        }
        for index, box in enumerate(found.boxes)
    ]
    return {"rows": rows, "seconds": seconds, "unknown": found.unknown}


def _masks(entrant: Competitor, image: Image, boxes: np.ndarray) -> list[RLE]:
    """One mask a box; an empty one for a box with nothing of it inside the image."""
    inside = boxes.clip(0, (*image.wh, *image.wh))
    visible = ((inside[:, 2:] - inside[:, :2]) > 0).all(axis=1)
    masks = [RLE.empty(image.hw)] * len(boxes)
    if visible.any():
        answers = entrant.start(image).answer(Prompts.from_boxes(inside[visible].astype(np.float32)))
        if len(answers) != visible.sum():
            raise DataError(f"{image}: {visible.sum()} boxes and {len(answers)} masks")
        for index, mask in zip(np.flatnonzero(visible), answers.chosen(), strict=True):
            masks[index] = mask
    return masks
