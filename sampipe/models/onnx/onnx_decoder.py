"""An exported decoder, run by onnxruntime."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.models.onnx.onnx import input_names_of
from sampipe.models.onnx.prompted_decoder import BOTTOM_RIGHT, OUTPUTS, PADDING, TOP_LEFT
from sampipe.types import ImageEmbedding, Prompts


class OnnxDecoder:
    """The question of :meth:`SamModel.decode`, answered by an ONNX file.

    Args:
        path: what :func:`~sampipe.models.onnx.export_decoder` wrote.

    Raises:
        MissingDependencyError: onnxruntime is not installed.
        DataError: there is no such file, it is no ONNX, or it was not written by sampipe.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        runtime = require("onnxruntime", "onnx")
        try:
            self._session = runtime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common class but this
            raise DataError(f"{os.fspath(path)} cannot be loaded by onnxruntime: {error}") from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        if "sampipe" not in metadata:
            raise DataError(f"{os.fspath(path)} was not written by `sampipe export onnx`: its metadata do not say so.")
        self.about: dict[str, Any] = json.loads(metadata["sampipe"])
        """``model``, ``key`` (digest of the weights), ``image_size``, ``mask_size``."""

    def decode(self, embedding: ImageEmbedding, prompts: Prompts) -> tuple[np.ndarray, np.ndarray]:
        """Logits float32 (n, 4, m, m) and predicted IoU (n, 4): the single mask, then the three ambiguous ones.

        Raises:
            DataError: the embedding is another model's, or the prompts hold texts.
        """
        if embedding.model_key != self.about["key"]:
            raise DataError("This embedding was made by another model than the one that was exported.")
        size, count = self.about["mask_size"], len(prompts)
        logits = np.empty((count, len(OUTPUTS), size, size), np.float32)
        ious = np.empty((count, len(OUTPUTS)), np.float32)
        for i in range(count):
            inputs = decoder_inputs(embedding, prompts.select([i]), size)
            logits[i : i + 1], ious[i : i + 1] = self._session.run(["logits", "iou"], inputs)
        return logits, ious


def decoder_inputs(embedding: ImageEmbedding, prompts: Prompts, mask_size: int) -> dict[str, np.ndarray]:
    """The prompts of one object as the exported decoder takes them.

    Raises:
        DataError: a text.
    """
    if prompts.text is not None:
        raise DataError("The exported decoder takes points, boxes and masks, no texts.")
    frame = embedding.frame
    xy, labels = np.zeros((0, 2), np.float32), np.zeros(0, np.float32)
    if prompts.points is not None and prompts.point_labels is not None:
        real = prompts.point_labels[0] >= 0
        xy, labels = frame.points_to_input(prompts.points[0, real]), prompts.point_labels[0, real].astype(np.float32)
    if prompts.boxes is not None and prompts.has_boxes[0]:
        corners = frame.boxes_to_input(prompts.boxes[0]).reshape(2, 2)
        xy, labels = _with(xy, labels, corners, (TOP_LEFT, BOTTOM_RIGHT))
    elif len(labels):
        xy, labels = _with(xy, labels, np.zeros((1, 2), np.float32), (PADDING,))
    mask, has_mask = np.zeros((mask_size, mask_size), np.float32), 0.0
    if prompts.mask_logits is not None and prompts.has_masks[0]:
        mask, has_mask = prompts.mask_logits[0], 1.0
    maps = [one[None].float().cpu().numpy() for one in (embedding.features, *embedding.fine)]
    values = [xy[None], labels[None], mask[None, None], np.array([has_mask], np.float32), *maps]
    return dict(zip(input_names_of(len(embedding.fine)), values, strict=True))


def _with(xy: np.ndarray, labels: np.ndarray, more: np.ndarray, kinds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([xy, more]), np.concatenate([labels, np.asarray(kinds, np.float32)])
