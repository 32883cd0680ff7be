"""Masks for what any detector found: two lines for users of ``supervision``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks, Prompts
from sampipe.types.image import ColorOrder

if TYPE_CHECKING:
    import supervision as sv
    from numpy.typing import NDArray

    from sampipe.types.image import ImageLike


def add_masks(
    image: ImageLike,
    detections: sv.Detections,
    model: str = "nano",
    *,
    device: str = "auto",
    color: ColorOrder = "bgr",
    compact: bool = False,
) -> sv.Detections:
    """The same detections, each with the mask that its box asks for.

    ::

        detections = sv.Detections.from_ultralytics(yolo(image)[0])
        detections = sampipe.add_masks(image, detections, model="vit_b")

    Order, boxes, names, scores and whatever else they carry stay as they are; masks that were there are
    replaced. A box without area inside the image gets an empty mask.

    Args:
        image: whatever :meth:`Image.open` takes; an array in the order of ``color``.
        detections: n boxes on it.
        model: any name of ``sampipe models``, a checkpoint file, a folder of transformers or a name on its hub.
        device: "auto", "cpu", "cuda", ...
        color: the order of an array's channels; supervision's own images are BGR, as OpenCV's.
        compact: keep the masks as run lengths (``sv.CompactMask``) in place of pixels (n, h, w).

    Raises:
        DataError: what is no image, or no detections.
        CheckpointError: unknown or damaged weights.
    """
    import supervision as sv

    if not isinstance(detections, sv.Detections):
        raise DataError(
            f"detections: got a {type(detections).__name__}, wanted supervision.Detections; "
            "sv.Detections.from_ultralytics, from_transformers, from_inference ... make them"
        )
    if isinstance(image, np.ndarray):
        opened = Image.from_array(image, color="gray" if image.ndim == 2 else color)
    else:
        opened = Image.open(image)
    rles = segment_boxes(opened, detections.xyxy, model=model, device=device)
    masks = Masks.from_rle(rles, opened.hw).to_supervision(compact=compact)
    return dataclasses.replace(detections, mask=masks.mask)


def segment_boxes(image: Image, boxes: NDArray[Any], *, model: str = "nano", device: str = "auto") -> list[RLE]:
    """One mask for each of the boxes (n, 4) x0, y0, x1, y1; empty where a box has no area inside the image."""
    from sampipe.models import keep_loaded
    from sampipe.nodes import Segment

    segment = Segment(model=model, device=device)
    keep_loaded(segment.sam)  # the next call finds it
    rows = np.arange(len(boxes))
    asked = Prompts.from_boxes(np.asarray(boxes, dtype=np.float32).reshape(-1, 4), class_ids=rows)
    masks = segment(image, prompts=asked)
    rles = [RLE.empty(image.hw)] * len(rows)
    answered = masks.prompts.class_ids
    assert answered is not None
    for row, rle in zip(answered, masks.rle(), strict=True):
        rles[int(row)] = rle
    return rles
