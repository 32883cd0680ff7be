"""Average precision of boxes and masks, as COCO and LVIS define it, by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sampipe._optional import require
from sampipe.data.annotated import GroundTruth
from sampipe.data.annotations import Annotations
from sampipe.data.schema import number
from sampipe.errors import DataError

MOST_DETECTIONS, MOST_DETECTIONS_LVIS = 100, 300
_COCO = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
_LVIS = ("ap_rare", "ap_common", "ap_frequent")

Results = Sequence[Mapping[str, Any]]


def area_of(truth: GroundTruth) -> float:
    """The area by which COCO tells sizes: the annotation's, else the mask's."""
    return truth.mask.area if truth.area is None else truth.area


def average_precision(
    annotations: Annotations, results: Results, kind: Literal["bbox", "segm"], *, min_area: int = 0
) -> dict[str, float | None]:
    """AP, AP at IoU 0.5 and 0.75, by size and, for LVIS, by frequency; None where there is no such object.

    For LVIS a detection counts against the model only where its category was looked for, exhaustively (Gupta et al.,
    CVPR 2019, section 3), and 300 detections an image count. For COCO 100 count of each category in an image, as in
    pycocotools. Ids are renumbered for the evaluator, so that any will do.

    Args:
        annotations: what is true.
        results: in COCO's format: ``image_id``, ``category_id``, ``score`` and ``bbox`` or ``segmentation``.
        kind: which of the two is compared.
        min_area: objects of less px² neither count nor cost, as COCO's evaluator ignores sizes.

    Raises:
        DataError: a score is not finite, or a result is about an image or category that there is not.
        MissingDependencyError: faster-coco-eval is not installed.
    """
    package = require("faster_coco_eval", "eval")
    _check(annotations, results)
    names = _COCO + (_LVIS if annotations.federated else ())
    if not results:
        return dict.fromkeys(names, 0.0)
    keep = {"image_id", "category_id", "score", "bbox" if kind == "bbox" else "segmentation"}
    truth = package.COCO(annotations.private())
    images, categories = annotations.private_images(), annotations.private_categories()
    answers = truth.loadRes(
        [
            {key: one[key] for key in keep}
            | {"image_id": images[str(one["image_id"])], "category_id": categories[str(one["category_id"])]}
            for one in results
        ]
    )
    evaluator = package.COCOeval_faster(
        truth, answers, kind, lvis_style=annotations.federated, print_function=lambda *words: None
    )
    if annotations.federated:
        evaluator.params.maxDets = [MOST_DETECTIONS_LVIS]
    evaluator.params.areaRng = [[max(low, min_area), high] for low, high in evaluator.params.areaRng]
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    values = [*evaluator.all_stats[: len(_COCO)], *(evaluator.all_stats[-3:] if annotations.federated else ())]
    return {name: None if value < 0 else float(value) for name, value in zip(names, values, strict=True)}


def _check(annotations: Annotations, results: Results) -> None:
    images, categories = annotations.private_images(), annotations.private_categories()
    for index, one in enumerate(results):
        number(one["score"], f"result {index}: score")
        if str(one["image_id"]) not in images or str(one["category_id"]) not in categories:
            raise DataError(
                f"result {index}: the data lack its image {one['image_id']!r} or category {one['category_id']!r}"
            )
