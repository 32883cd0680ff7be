"""The same inputs for every contestant, drawn from a seed in each process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

    from sampipe.models.config import SamConfig


def inputs_of(task: str, options: Mapping[str, Any], config: SamConfig, seed: int = 0) -> dict[str, Any]:
    """Keyword arguments for a contestant's method ``task``."""
    random = np.random.default_rng(seed)
    makers = {
        "encode": lambda: {"image": noisy_image((config.image_size, config.image_size), random)},
        "decode": lambda: _decode(options, config, random, seed),
        "decode_rle": lambda: _decode(options, config, random, seed),
        "logits": lambda: _decode(options, config, random, seed),
        "scores": lambda: {"image": noisy_image((683, 1024), random), **options},
        "everything": lambda: {"image": noisy_image((683, 1024), random), **options},
        "postprocess": lambda: _postprocess(options, random),
        "overlay": lambda: {
            "scene": noisy_image((1080, 1920), random),
            "masks": ellipses(int(options["masks"]), (1080, 1920), random),
        },
    }
    return dict(makers[task]())


def noisy_image(hw: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """uint8 (h, w, 3): patches and grain."""
    coarse = random.integers(30, 220, (-(-hw[0] // 64), -(-hw[1] // 64), 3))
    large = np.kron(coarse, np.ones((64, 64, 1)))[: hw[0], : hw[1]]
    return np.clip(large + random.normal(0, 12, (*hw, 3)), 0, 255).astype(np.uint8)


def boxes_in(count: int, hw: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """float32 (n, 4) xyxy from a twentieth to a third of the image's sides."""
    height, width = hw
    size = random.uniform(0.05, 0.33, (count, 2)) * (width, height)
    corner = random.uniform(0, 1, (count, 2)) * ((width, height) - size)
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32)


def ellipses(count: int, hw: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """bool (n, h, w): tilted ellipses with wavy outlines, as large as the things of a street scene."""
    y, x = np.mgrid[: hw[0], : hw[1]].astype(np.float32)
    masks = np.empty((count, *hw), dtype=np.bool_)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes_in(count, hw, random), strict=True):
        u, v = (x - (x0 + x1) / 2) / ((x1 - x0) / 2), (y - (y0 + y1) / 2) / ((y1 - y0) / 2)
        mask[...] = np.hypot(u, v) < 0.9 + 0.1 * np.sin(9 * np.arctan2(v, u) + x0)
    return masks


def _normal(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _decode(options: Mapping[str, Any], config: SamConfig, random: np.random.Generator, seed: int) -> dict[str, Any]:
    height, width = (int(side) for side in options["hw"])
    return {
        "embedding": _normal((1, config.embed_dim, config.grid, config.grid), seed),
        "boxes": boxes_in(int(options["boxes"]), (height, width), random),
        "hw": (height, width),
    }


def _postprocess(options: Mapping[str, Any], random: np.random.Generator) -> dict[str, Any]:
    """Logits (n, 256, 256) of smooth blobs on a 1200 x 1800 image, half of them near copies of others."""
    count = int(options["masks"])
    hw = (1200, 1800)
    ticks = np.arange(256, dtype=np.float32)
    boxes = boxes_in((count + 1) // 2, (171, 256), random)
    boxes = np.concatenate([boxes, boxes])[:count] + random.normal(0, 0.5, (count, 4)).astype(np.float32)
    logits = np.empty((count, 256, 256), dtype=np.float32)
    for low, (x0, y0, x1, y1) in zip(logits, boxes, strict=True):
        u, v = (ticks - (x0 + x1) / 2) / ((x1 - x0) / 2), (ticks - (y0 + y1) / 2) / ((y1 - y0) / 2)
        low[...] = 8 * (1 - (u[None, :] ** 2 + v[:, None] ** 2)).clip(-2)
    return {"logits": logits, "scores": random.uniform(0.5, 1, count).astype(np.float32), "hw": hw}
