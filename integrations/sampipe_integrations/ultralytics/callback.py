"""Out of sampipe, into ultralytics: ``Results`` with boxes become ``Results`` with masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import sampipe as sp
from sampipe.nodes.segment.add_masks import segment_boxes


def add_masks(result: Any, model: str = "nano", *, device: str = "auto") -> Any:
    """The same ultralytics ``Results``, each box with its mask, as if a segmentation model had made them.

    ::

        [result] = YOLO("yolo11n.pt")(image)
        add_masks(result, model="vit_b").plot()

    Args:
        result: of any model that gives boxes; it stays as it is. Oriented boxes give their upright boxes.
        model: any name of ``sampipe models``, a checkpoint file, a folder of transformers or a name on its hub.
        device: "auto", "cpu", "cuda", ...

    Raises:
        DataError: a result without boxes (of a classifier).
        CheckpointError: unknown or damaged weights.
    """
    import torch

    boxes = result.obb if result.obb is not None else result.boxes
    if boxes is None:
        raise sp.DataError("result: it has no boxes, as of a classifier; wanted the Results of a detect model")
    with_masks = result.new()
    with_masks.boxes = result.boxes
    with_masks.obb = result.obb
    with_masks.keypoints = result.keypoints
    if not len(boxes):
        return with_masks
    # ultralytics keeps BGR, and tensors where it was given tensors; both may lie on a GPU
    xyxy = torch.as_tensor(boxes.xyxy).float().cpu().numpy()
    image = sp.Image.from_array(np.ascontiguousarray(result.orig_img), color="bgr")
    rles = segment_boxes(image, xyxy, model=model, device=device)
    pixels = torch.from_numpy(np.stack([rle.decode() for rle in rles]).astype(np.float32))
    with_masks.update(masks=pixels.to(boxes.data.device) if isinstance(boxes.data, torch.Tensor) else pixels)
    return with_masks


def masks_callback(model: str = "nano", *, device: str = "auto") -> Callable[[Any], None]:
    """A callback that gives every result of a model masks::

        yolo = YOLO("yolo11n.pt")
        yolo.add_callback("on_predict_postprocess_end", masks_callback(model="vit_b"))
        yolo("street.jpg")[0].masks

    Raises:
        DataError, CheckpointError: when it runs; see :func:`add_masks`.
    """

    def on_predict_postprocess_end(predictor: Any) -> None:
        predictor.results = [add_masks(result, model, device=device) for result in predictor.results]

    return on_predict_postprocess_end
