"""Encoders that are faster and not exact: how much faster, and how many pixels of the masks they cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from sampipe.graph.registry import node_types
from sampipe.measure.speed.inputs import boxes_in
from sampipe.models import load_model
from sampipe.types import Image, ImageEmbedding, Prompts

_PHOTOS = ("sample:coffee", "sample:astronaut", "sample:chelsea")
_BOXES = 8
_OPENVINO = "openvino.OpenVinoEncode@1"


def measure_modes(model: str, runs: int, log: Callable[[str], None]) -> dict[str, float]:
    """Seconds an image, times as fast as the exact encoder, and the mean mask IoU with what comes of that.

    Masks are those of eight boxes on each of three photos. Random weights (all models but nano) answer noise with
    ragged masks, which small differences change more than they change those of a trained model.
    """
    sam = load_model(model, "cpu")
    images = [Image.open(name) for name in _PHOTOS]
    prompts = [Prompts.from_boxes(boxes_in(_BOXES, image.hw, np.random.default_rng(0))) for image in images]

    def masks(embeddings: list[ImageEmbedding]) -> list[np.ndarray]:
        pairs = zip(embeddings, prompts, strict=True)
        return [sam.decode(embedding, asked, multimask=False).binary() for embedding, asked in pairs]

    log("modes: exact")
    seconds, embeddings = _timed(lambda image: sam.encode([image])[0], images, runs)
    found, exact = {"exact_seconds": seconds}, masks(embeddings)
    for name, node in _modes(model):
        log(f"modes: {name}")
        seconds, embeddings = _timed(node.run, images, runs)
        found[f"{name}_seconds"] = seconds
        found[f"{name}_speedup_vs_exact"] = found["exact_seconds"] / seconds
        found[f"{name}_mask_iou"] = float(np.mean([_ious(a, b) for a, b in zip(exact, masks(embeddings), strict=True)]))
        node.close()  # a compiled network is several times as large as its weights
    return found


def _modes(model: str) -> Iterator[tuple[str, Any]]:
    """Names and nodes that encode."""
    types = node_types()
    if _OPENVINO not in types or find_spec("openvino") is None:
        return
    make: Callable[..., Any] = types[_OPENVINO]
    for kind in ("exact", "bf16"):
        yield f"openvino_{kind}", make(model=model, device="cpu", precision=kind)


def _timed(
    encode: Callable[[Image], ImageEmbedding], images: list[Image], runs: int
) -> tuple[float, list[ImageEmbedding]]:
    """Median seconds an image after a first one that does not count, and the embeddings."""
    encode(images[0])
    seconds, found = [], []
    for run in range(runs):
        for image in images:
            began = time.perf_counter()
            embedding = encode(image)
            seconds.append(time.perf_counter() - began)
            if run == 0:
                found.append(embedding)
    return float(np.median(seconds)), found


def _ious(a: np.ndarray, b: np.ndarray) -> float:
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    return float(np.mean(np.where(either > 0, both / np.maximum(either, 1), 1.0)))
