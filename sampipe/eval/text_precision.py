"""AP50 of masks from words, by pycocotools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sampipe.types import RLE, Masks


def kept_masks(masks: Masks) -> list[dict[str, Any]]:
    """The masks of an answer, their phrases and scores, as JSON values."""
    scores = masks.prompts.scores if masks.prompts.scores is not None else masks.iou_scores[:, 0]
    labels = masks.prompts.labels or ()
    return [
        {"segmentation": rle.to_coco(), "phrase": phrase, "score": float(score)}
        for rle, phrase, score in zip(masks.rle(), labels, scores, strict=True)
    ]


def ap50(truths: Sequence[Mapping[str, Sequence[RLE]]], answers: Sequence[Mapping[str, Any]]) -> float | None:
    """Average precision at mask IoU 0.5 over all phrases; None where there is no truth.

    Args:
        truths: of each picture, the masks of each phrase.
        answers: of each picture, ``hw`` and ``masks`` as :func:`kept_masks` gives them.
    """
    category = {phrase: number for number, phrase in enumerate(sorted({p for one in truths for p in one}), start=1)}
    annotations = _annotations(truths, category)
    if not annotations:
        return None
    found = [
        {"image_id": number, "category_id": category[mask["phrase"]]} | {k: mask[k] for k in ("score", "segmentation")}
        for number, one in enumerate(answers, start=1)
        for mask in one["masks"]
    ]
    if not found:
        return 0.0
    images = [
        {"id": number, "height": one["hw"][0], "width": one["hw"][1]} for number, one in enumerate(answers, start=1)
    ]
    categories = [{"id": number, "name": phrase} for phrase, number in category.items()]
    return _average({"images": images, "annotations": annotations, "categories": categories}, found)


def _annotations(truths: Sequence[Mapping[str, Sequence[RLE]]], category: Mapping[str, int]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number, one in enumerate(truths, start=1):
        for phrase, rles in one.items():
            for rle in rles:
                x0, y0, x1, y1 = (float(value) for value in rle.box)
                made.append(
                    {
                        "id": len(made) + 1, "image_id": number, "category_id": category[phrase], "iscrowd": 0,
                        "area": rle.area, "bbox": [x0, y0, x1 - x0, y1 - y0], "segmentation": rle.to_coco(),
                    }
                )  # fmt: skip
    return made


def _average(truth: dict[str, Any], found: list[dict[str, Any]]) -> float:
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(found), "segm")
        run.params.iouThrs = np.array([0.5])
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][0, :, :, 0, -1]  # every recall, every class, all areas, most detections
    return float(precision[precision > -1].mean())
