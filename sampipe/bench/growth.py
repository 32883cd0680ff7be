"""How time and memory grow with boxes, pixels and images: linear is an exponent of 1."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sampipe.bench.inputs import boxes_in, picture
from sampipe.bench.ours import empty_fine
from sampipe.bench.worker import Memory
from sampipe.models import SamModel, load_model
from sampipe.types import Frame, Image, ImageEmbedding, Prompts

_BOXES, _QUICK_BOXES = (16, 64, 256), (4, 16)
_SIDES, _QUICK_SIDES = ((800, 1200), (1600, 2400), (3200, 4800)), ((400, 600), (800, 1200))
_IMAGES, _QUICK_IMAGES = (2, 4, 8), (1, 2)
SIZES = ("boxes", "pixels", "images")
_PHOTO = (1200, 1800)


def measure_growth(model: str, *, quick: bool, tell: Callable[[str], None]) -> dict[str, float]:
    """Seconds and peak bytes by size, and between the smallest and the largest the exponent of growth.

    ``boxes``: boolean masks of so many boxes on a 1200 x 1800 photo. ``pixels``: run lengths of 16 boxes on photos of
    so many. ``images``: so many encoded and prompted with 16 boxes, by nano.
    """
    sam, nano = load_model(model, "cpu"), load_model("nano", "cpu")
    boxes = _QUICK_BOXES if quick else _BOXES
    sides = _QUICK_SIDES if quick else _SIDES
    images = _QUICK_IMAGES if quick else _IMAGES

    def masks(count: int) -> Callable[[], Any]:
        embedding, prompts = _embedded(sam, _PHOTO), _prompts(count, _PHOTO)
        return lambda: sam.decode(embedding, prompts, multimask=False).binary()

    def runs(hw: tuple[int, int]) -> Callable[[], Any]:
        embedding, prompts = _embedded(sam, hw), _prompts(16, hw)
        return lambda: sam.decode(embedding, prompts, multimask=False).rle()

    def photos(count: int) -> Callable[[], Any]:
        asked = _prompts(16, (640, 960))
        made = [Image(picture((640, 960), np.random.default_rng(seed))) for seed in range(count)]
        return lambda: [nano.decode(nano.encode([image])[0], asked, multimask=False).rle() for image in made]

    found: dict[str, float] = {}
    for name, sizes in (
        ("boxes", {count: masks(count) for count in boxes}),
        ("pixels", {hw[0] * hw[1]: runs(hw) for hw in sides}),
        ("images", {count: photos(count) for count in images}),
    ):
        tell(f"scaling: {name}")
        found |= _grown(name, sizes)
    return found


def _grown(name: str, sizes: dict[int, Callable[[], Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    first = next(iter(sizes.values()))
    first()
    points = {size: _measured(act) for size, act in sizes.items()}
    for size, (seconds, peak) in points.items():
        found[f"{name}_{size}_seconds"] = seconds
        if peak is not None:
            found[f"{name}_{size}_peak_bytes"] = float(peak)
    (small, (less, _)), *_, (large, (more, _)) = points.items()
    found[f"{name}_exponent"] = float(np.log(more / less) / np.log(large / small))
    return found


def _measured(act: Callable[[], Any]) -> tuple[float, int | None]:
    """The best of two runs, and the most memory that one of them held above what was held before."""
    memory, seconds = Memory(), []
    memory.start()
    for _ in range(2):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return min(seconds), memory.peak()


def _prompts(count: int, hw: tuple[int, int]) -> Prompts:
    return Prompts.from_boxes(boxes_in(count, hw, np.random.default_rng(1)))


def _embedded(sam: SamModel, hw: tuple[int, int]) -> ImageEmbedding:
    """Features at random: the decoder's time does not depend on them."""
    config, generator = sam.config, torch.Generator().manual_seed(0)
    return ImageEmbedding(
        features=torch.randn((config.embed_dim, config.grid, config.grid), generator=generator),
        frame=Frame.fit(hw, config.image_size),
        model_key=sam.key,
        image_key="random",
        fine=empty_fine(config),
    )
