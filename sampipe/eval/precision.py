"""Average precision of boxes and masks, as COCO and LVIS define it, by faster-coco-eval."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sampipe._optional import require
from sampipe.eval.annotations import Annotations

MOST_DETECTIONS, MOST_DETECTIONS_LVIS = 100, 300
_COCO = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
_LVIS = ("ap_rare", "ap_common", "ap_frequent")

Results = Sequence[Mapping[str, Any]]


def average_precision(
    annotations: Annotations, results: Results, kind: Literal["bbox", "segm"]
) -> dict[str, float | None]:
    """AP, AP at IoU 0.5 and 0.75, by size and, for LVIS, by frequency; None where there is no such object.

    For LVIS a detection counts against the model only where its category was looked for, exhaustively (Gupta et al.,
    CVPR 2019, section 3), and 300 detections an image count instead of 100.

    Args:
        annotations: what is true.
        results: in COCO's format: ``image_id``, ``category_id``, ``score`` and ``bbox`` or ``segmentation``.
        kind: which of the two is compared.

    Raises:
        MissingDependencyError: faster-coco-eval is not installed.
    """
    package = require("faster_coco_eval", "eval")
    names = _COCO + (_LVIS if annotations.federated else ())
    if not results:
        return dict.fromkeys(names, 0.0)
    keep = {"image_id", "category_id", "score", "bbox" if kind == "bbox" else "segmentation"}
    truth = package.COCO(copy.deepcopy(dict(annotations.document)))
    answers = truth.loadRes([{key: one[key] for key in keep} for one in results])
    evaluator = package.COCOeval_faster(
        truth, answers, kind, lvis_style=annotations.federated, print_function=lambda *words: None
    )
    if annotations.federated:
        evaluator.params.maxDets = [MOST_DETECTIONS_LVIS]
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    values = [*evaluator.all_stats[: len(_COCO)], *(evaluator.all_stats[-3:] if annotations.federated else ())]
    return {name: None if value < 0 else float(value) for name, value in zip(names, values, strict=True)}
