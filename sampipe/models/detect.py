"""What a model with a detector's head finds on an image that it has encoded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from sampipe.errors import CheckpointError, DataError
from sampipe.models.model import SamModel
from sampipe.models.segmenters import Segmenter
from sampipe.types import ImageEmbedding
from sampipe.types._arrays import FloatArray, IntArray
from sampipe.types.nms import box_nms, vote_boxes

_MOST = 1000  # cells that are looked at, the best


class Found(NamedTuple):
    """Objects, best first.

    Args:
        boxes: (n, 4) xyxy, pixels of the original image.
        class_ids: (n,) places in the detector's names.
        scores: (n,) objectness times class score.
    """

    boxes: FloatArray
    class_ids: IntArray
    scores: FloatArray


def class_names(model: Segmenter) -> tuple[str, ...]:
    """What the model's detector knows.

    Raises:
        CheckpointError: it has none.
    """
    if not has_detector(model):
        raise CheckpointError(
            f"{model.name} has no detector's head. Use nano, or train one: sampipe train detect --from {model.name}"
        )
    assert isinstance(model, SamModel) and model.config.detector is not None
    return model.config.detector.names


def has_detector(model: Segmenter) -> bool:
    """Whether the model has a detector's head."""
    return isinstance(model, SamModel) and model.config.detector is not None


@torch.inference_mode()
def detect(model: Segmenter, embedding: ImageEmbedding, *, confidence: float, nms: float, most: int) -> Found:
    """Objects of known classes; each box is the mean of those that found the same object, weak ones too.

    Args:
        model: with a detector's head.
        embedding: of this model.
        confidence: lowest score.
        nms: of two boxes of one class that overlap more than this IoU the weaker is dropped.
        most: at most so many, the best.

    Raises:
        CheckpointError: the model has no such head.
        DataError: the embedding is another model's.
    """
    class_names(model)
    if embedding.model_key != model.key:
        raise DataError(f"This embedding was made by model {embedding.model_key[:12]}, not by {model.name}.")
    assert isinstance(model, SamModel) and model.sam.detector is not None
    maps = [one.to(model.device)[None] for one in embedding.backbone]
    boxes, objectness, classes = (value[0].float() for value in model.sam.detector(maps))
    scores = objectness.sigmoid()[:, None] * classes.sigmoid()
    scores, boxes = scores.cpu(), boxes.cpu()
    values, places = scores.flatten().topk(min(_MOST, scores.numel()))
    cells, numbers = places // scores.shape[1], (places % scores.shape[1]).numpy()
    frame = embedding.frame
    found = frame.points_to_original(boxes[cells].numpy().reshape(-1, 2)).reshape(-1, 4)
    found = np.clip(found, 0, np.tile(np.array(frame.original_hw[::-1], np.float32), 2))
    best = values.numpy()
    rows = box_nms(found, best, nms, numbers)
    rows = rows[best[rows] >= confidence][:most]
    return Found(vote_boxes(found, rows, best, numbers).astype(np.float32), numbers[rows], best[rows])
