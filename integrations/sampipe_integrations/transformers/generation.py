"""Out of sampipe, into transformers: what its ``mask-generation`` pipeline takes and gives, from any of our models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import sampipe as sp
from sampipe.nodes import SegmentEverything

_OURS = {
    "points_per_batch": "points_per_batch",
    "points_per_crop": "points_per_side",
    "crops_n_layers": "crop_layers",
    "crop_overlap_ratio": "crop_overlap",
    "crop_n_points_downscale_factor": "crop_points_downscale",
    "pred_iou_thresh": "min_iou",
    "stability_score_thresh": "stability_threshold",
    "stability_score_offset": "stability_offset",
    "crops_nms_thresh": "crop_nms",
}
_USUAL = {  # of the pipeline, and only what it does by itself is done here: what to do instead of another value
    "mask_threshold": (0.0, "masks are cut at logit 0 here; SegmentEverything keeps the logits of none"),
    "max_hole_area": (0.0, "SegmentEverything(min_region_area=...) fills holes and drops islands"),
    "max_sprinkle_area": (0.0, "SegmentEverything(min_region_area=...) fills holes and drops islands"),
    "timeout": (None, "open the image first, with sampipe.Image.open"),
}


class MaskGenerator:
    """Stands where ``pipeline("mask-generation")`` stands: called with images, gives masks and scores.

    ::

        generate = MaskGenerator(model="vit_b")
        found = generate(image, points_per_batch=128)
        found["masks"], found["scores"]

    Args:
        model: any name of ``sampipe models``, a checkpoint file, a folder of transformers or a name on its hub.
        device: "auto", "cpu", "cuda", ...
        options: the pipeline's own names, as defaults: ``points_per_batch``, ``points_per_crop``,
            ``crops_n_layers``, ``crop_overlap_ratio``, ``crop_n_points_downscale_factor``, ``pred_iou_thresh``,
            ``stability_score_thresh``, ``stability_score_offset``, ``crops_nms_thresh`` (of masks without crops, too).
            ``mask_threshold``, ``max_hole_area``, ``max_sprinkle_area`` and ``timeout`` only at their defaults.

    Raises:
        DataError: an option that the pipeline does not have, or another value of the last four.
    """

    task = "mask-generation"

    def __init__(self, model: str = "nano", *, device: str = "auto", **options: Any) -> None:
        self.model = model
        self.device = device
        self._options = _checked(options)

    def __call__(
        self, image: Any, *, output_rle_mask: bool = False, output_bboxes_mask: bool = False, **options: Any
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Masks of all that is in an image, or in each of a list of images.

        Args:
            image: a path, ``sample:NAME``, Pillow image, RGB array or :class:`sampipe.Image`, or a list of them.
            output_rle_mask: add ``rle_mask``, COCO's run lengths.
            output_bboxes_mask: add ``bounding_boxes``, a float tensor (n, 4) x0, y0, x1, y1.
            options: see the class.

        Returns:
            ``masks``, a list of n bool tensors (h, w), and ``scores``, a float tensor (n,), best first.
        """
        node = SegmentEverything(model=self.model, device=self.device, **{**self._options, **_checked(options)})
        from sampipe.models import keep_loaded

        keep_loaded(node.sam)  # for the next call
        several = isinstance(image, Sequence) and not isinstance(image, (str, bytes))
        found = [node(sp.Image.open(one)) for one in (image if several else [image])]
        answers = [_answer(masks, output_rle_mask, output_bboxes_mask) for masks in found]
        return answers if several else answers[0]


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    for name, value in options.items():
        if name in _USUAL and value not in (None, _USUAL[name][0]):
            raise sp.DataError(f"{name}: got {value!r}, and only {_USUAL[name][0]} is done here: {_USUAL[name][1]}")
    unknown = sorted(set(options) - set(_OURS) - set(_USUAL))
    if unknown:
        raise sp.DataError(f"{unknown[0]!r} is no option here; there are {', '.join(_OURS)}")
    given = {_OURS[name]: value for name, value in options.items() if name in _OURS}
    return given | ({"box_nms": given["crop_nms"]} if "crop_nms" in given else {})


def _answer(masks: sp.Masks, with_rles: bool, with_boxes: bool) -> dict[str, Any]:
    import torch

    answer: dict[str, Any] = {
        "masks": [torch.from_numpy(np.ascontiguousarray(mask)) for mask in masks.iter_binary()],
        "scores": torch.from_numpy(masks.best().iou_scores[:, 0].copy()),
    }
    if with_rles:
        answer["rle_mask"] = [rle.to_coco() for rle in masks.rle()]
    if with_boxes:
        answer["bounding_boxes"] = torch.from_numpy(masks.boxes().copy())
    return answer
