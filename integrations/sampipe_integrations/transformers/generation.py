"""Out of sampipe, into transformers: what its ``mask-generation`` pipeline takes and gives, from any of our models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import sampipe as sp
from sampipe.detections import as_image
from sampipe.nodes import SegmentEverything

_OURS = {
    "points_per_batch": "points_per_batch",
    "points_per_crop": "points_per_side",
    "crops_n_layers": "crop_layers",
    "crop_overlap_ratio": "crop_overlap",
    "crop_n_points_downscale_factor": "crop_points_downscale",
    "pred_iou_thresh": "pred_iou_threshold",
    "stability_score_thresh": "stability_threshold",
    "stability_score_offset": "stability_offset",
    "crops_nms_thresh": "crop_nms",
}


class MaskGenerator:
    """Stands where ``pipeline("mask-generation")`` stands: called with pictures, gives masks and scores.

    ::

        generate = MaskGenerator(model="vit_b")
        found = generate(picture, points_per_batch=128)
        found["masks"], found["scores"]

    Args:
        model: "nano" (embedded), "vit_b", "vit_l", "vit_h", "mobile_sam", or a checkpoint file.
        device: "auto", "cpu", "cuda", ...
        options: the pipeline's own names, as defaults: ``points_per_batch``, ``points_per_crop``,
            ``crops_n_layers``, ``crop_overlap_ratio``, ``crop_n_points_downscale_factor``, ``pred_iou_thresh``,
            ``stability_score_thresh``, ``stability_score_offset``, ``crops_nms_thresh``.

    Raises:
        DataError: an option that the pipeline does not have.
    """

    task = "mask-generation"

    def __init__(self, model: str = "nano", *, device: str = "auto", **options: Any) -> None:
        self.model = model
        self.device = device
        self._options = _checked(options)

    def __call__(
        self, image: Any, *, output_rle_mask: bool = False, output_bboxes_mask: bool = False, **options: Any
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Masks of all that is in a picture, or in each of a list of pictures.

        Args:
            image: a path, ``sample:NAME``, Pillow image, RGB array or :class:`sampipe.Image`, or a list of them.
            output_rle_mask: add ``rle_mask``, COCO's run lengths.
            output_bboxes_mask: add ``bounding_boxes``, a float tensor (n, 4) x0, y0, x1, y1.
            options: see the class.

        Returns:
            ``masks``, a list of n bool arrays (h, w), and ``scores``, a float tensor (n,), best first.
        """
        node = SegmentEverything(model=self.model, device=self.device, **{**self._options, **_checked(options)})
        several = isinstance(image, Sequence) and not isinstance(image, (str, bytes))
        found = [node(as_image(one, "rgb")) for one in (image if several else [image])]
        answers = [_answer(masks, output_rle_mask, output_bboxes_mask) for masks in found]
        return answers if several else answers[0]


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(options) - set(_OURS))
    if unknown:
        raise sp.DataError(f"{unknown[0]!r} is no option here; there are {', '.join(_OURS)}")
    return {_OURS[name]: value for name, value in options.items()}


def _answer(masks: sp.Masks, with_rles: bool, with_boxes: bool) -> dict[str, Any]:
    import torch

    answer: dict[str, Any] = {
        "masks": [np.ascontiguousarray(mask) for mask in masks.iter_binary()],
        "scores": torch.from_numpy(masks.best().iou_scores[:, 0].copy()),
    }
    if with_rles:
        answer["rle_mask"] = [rle.to_coco() for rle in masks.rle()]
    if with_boxes:
        answer["bounding_boxes"] = torch.from_numpy(masks.boxes().copy())
    return answer
