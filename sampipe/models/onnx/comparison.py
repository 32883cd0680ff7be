"""An exported decoder beside the model it came from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sampipe.models.model import SamModel
from sampipe.models.onnx.onnx_decoder import OnnxDecoder
from sampipe.types import Image, Prompts


@dataclass(frozen=True)
class Difference:
    """The largest absolute difference of one kind of prompt, over all four masks."""

    prompt: str
    logits: float
    iou: float


def compare(model: SamModel, path: str | os.PathLike[str]) -> list[Difference]:
    """How far the file's answers are from the model's, on an image that is not square."""
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    embedding, decoder = model.encode([Image(pixels)])[0], OnnxDecoder(path)
    rows = []
    for name, prompts in _kinds(model.config.mask_size):
        logits, ious = decoder.decode(embedding, prompts)
        single, several = (model.decode(embedding, prompts, multimask=many) for many in (False, True))
        assert single.logits is not None and several.logits is not None
        wanted = np.concatenate([single.logits.numpy(), several.logits.numpy()], axis=1)
        wanted_ious = np.concatenate([single.iou_scores, several.iou_scores], axis=1)
        rows.append(Difference(name, float(np.abs(logits - wanted).max()), float(np.abs(ious - wanted_ious).max())))
    return rows


def _kinds(mask_size: int) -> Iterator[tuple[str, Prompts]]:
    lone = np.array([[[60.0, 40.0]]], np.float32)
    clicks = np.array([[[60.0, 40.0], [10.0, 80.0], [100.0, 20.0]]], np.float32)
    labels = np.array([[1, 0, 1]], np.int8)
    box = np.array([[20.0, 10.0, 110.0, 70.0]], np.float32)
    y, x = np.mgrid[:mask_size, :mask_size] / mask_size
    mask = (8 - 60 * ((x - 0.5) ** 2 + (y - 0.3) ** 2)).astype(np.float32)[None]
    yield "a point", Prompts(points=lone)
    yield "three points", Prompts(points=clicks, point_labels=labels)
    yield "a box", Prompts(boxes=box)
    yield "a box and points", Prompts(points=clicks, point_labels=labels, boxes=box)
    yield "a mask", Prompts(mask_logits=mask)
    yield "a mask and a point", Prompts(points=lone, mask_logits=mask)
    yield "two boxes", Prompts(boxes=np.concatenate([box, box + 8]))
