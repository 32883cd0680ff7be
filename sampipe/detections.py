"""Masks for what any detector found: two lines for users of ``supervision``."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks, Prompts
from sampipe.types.image import ColorOrder

if TYPE_CHECKING:
    import PIL.Image
    import supervision as sv
    from numpy.typing import NDArray


def add_masks(
    image: Image | PIL.Image.Image | NDArray[np.uint8] | str | os.PathLike[str],
    detections: sv.Detections,
    model: str = "nano",
    *,
    device: str = "auto",
    color: ColorOrder = "bgr",
    compact: bool = False,
) -> sv.Detections:
    """The same detections, each with the mask that its box asks for.

    ::

        detections = sv.Detections.from_ultralytics(yolo(picture)[0])
        detections = sampipe.add_masks(picture, detections, model="vit_b")

    Order, boxes, names, scores and whatever else they carry stay as they are; masks that were there are
    replaced. A box without area inside the image gets an empty mask.

    Args:
        image: a picture: an :class:`Image`, a Pillow image, a file or ``sample:NAME``, or an array.
        detections: n boxes on it.
        model: "nano" (embedded), "vit_b", "vit_l", "vit_h", "mobile_sam", or a checkpoint file.
        device: "auto", "cpu", "cuda", ...
        color: the order of an array's channels; supervision's own pictures are BGR, as OpenCV's.
        compact: keep the masks as run lengths (``sv.CompactMask``) in place of pixels (n, h, w).

    Raises:
        DataError: what is no picture, or no detections.
        CheckpointError: unknown or damaged weights.
    """
    import supervision as sv

    if not isinstance(detections, sv.Detections):
        raise DataError(
            f"detections: got a {type(detections).__name__}, wanted supervision.Detections; "
            "sv.Detections.from_ultralytics, from_transformers, from_inference ... make them"
        )
    picture = as_image(image, color)
    rles = segment_boxes(picture, detections.xyxy, model=model, device=device)
    masks = Masks.from_rle(rles, picture.hw).to_supervision(compact=compact)
    return dataclasses.replace(detections, mask=masks.mask)


def segment_boxes(image: Image, boxes: NDArray[Any], *, model: str = "nano", device: str = "auto") -> list[RLE]:
    """One mask for each of the boxes (n, 4) x0, y0, x1, y1; empty where a box has no area inside the image."""
    from sampipe.nodes import Segment

    rows = np.arange(len(boxes))
    asked = Prompts.from_boxes(np.asarray(boxes, dtype=np.float32).reshape(-1, 4), class_ids=rows)
    masks = Segment(model=model, device=device)(image, prompts=asked)
    rles = [RLE.empty(image.hw)] * len(rows)
    answered = masks.prompts.class_ids
    assert answered is not None
    for row, rle in zip(answered, masks.rle(), strict=True):
        rles[int(row)] = rle
    return rles


def as_image(value: Any, color: ColorOrder = "bgr") -> Image:
    """Whatever neighbours call an image, as an :class:`Image`; ``color`` is the order of an array's channels.

    Raises:
        DataError: something else.
    """
    if isinstance(value, Image):
        return value
    if isinstance(value, (str, os.PathLike)):
        return Image.open(value)
    if isinstance(value, np.ndarray):
        return Image.from_array(value, color="gray" if value.ndim == 2 else color)
    from PIL import Image as Pillow

    if isinstance(value, Pillow.Image):
        return Image.from_pil(value)
    raise DataError(
        f"image: got a {type(value).__name__}; wanted a sampipe.Image, a Pillow image, a file or a uint8 array"
    )
