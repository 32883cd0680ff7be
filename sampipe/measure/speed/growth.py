"""How time and memory grow with boxes, pixels and images: linear is an exponent of 1."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import sampipe as sp
from sampipe.measure.speed.inputs import boxes_in, noisy_image
from sampipe.measure.speed.worker import Memory

_BOXES, _QUICK_BOXES = (16, 64, 256), (4, 16)
_SIDES, _QUICK_SIDES = ((800, 1200), (1600, 2400), (3200, 4800)), ((400, 600), (800, 1200))
_IMAGES, _QUICK_IMAGES = (2, 4, 8), (1, 2)
SIZES = ("boxes", "pixels", "images")
_PHOTO = (1200, 1800)


def measure_growth(model: str, *, quick: bool, log: Callable[[str], None]) -> dict[str, float]:
    """Seconds and peak bytes by size, and between the smallest and the largest the exponent of growth.

    ``boxes``: boolean masks of so many boxes on a 1200 x 1800 image. ``pixels``: run lengths of 16 boxes on images of
    so many. ``images``: so many encoded and prompted with 16 boxes, by nano.
    """
    sam, nano = sp.load_model(model, "cpu"), sp.load_model("nano", "cpu")

    def decoded(count: int, hw: tuple[int, int]) -> Callable[[], sp.Masks]:
        embedding, prompts = sam.encode([sp.Image(np.zeros((*hw, 3), np.uint8))])[0], _prompts(count, hw)
        return lambda: sam.decode(embedding, prompts, multimask=False)

    def masks(count: int) -> Callable[[], Any]:
        decode = decoded(count, _PHOTO)
        return lambda: decode().binary()

    def runs(hw: tuple[int, int]) -> Callable[[], Any]:
        decode = decoded(16, hw)
        return lambda: decode().rle()

    def photos(count: int) -> Callable[[], Any]:
        prompts = _prompts(16, (640, 960))
        made = [sp.Image(noisy_image((640, 960), np.random.default_rng(seed))) for seed in range(count)]
        return lambda: [nano.decode(nano.encode([image])[0], prompts, multimask=False).rle() for image in made]

    found: dict[str, float] = {}
    for name, sizes in (
        ("boxes", {count: partial(masks, count) for count in (_QUICK_BOXES if quick else _BOXES)}),
        ("pixels", {hw[0] * hw[1]: partial(runs, hw) for hw in (_QUICK_SIDES if quick else _SIDES)}),
        ("images", {count: partial(photos, count) for count in (_QUICK_IMAGES if quick else _IMAGES)}),
    ):
        log(f"scaling: {name}")
        found |= _grown(name, {size: make() for size, make in sizes.items()})
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


def _prompts(count: int, hw: tuple[int, int]) -> sp.Prompts:
    return sp.Prompts.from_boxes(boxes_in(count, hw, np.random.default_rng(1)))
