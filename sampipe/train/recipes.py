"""Settings that go together, by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sampipe.errors import DataError
from sampipe.train.config import LoopConfig, OptimizerConfig
from sampipe.train.examples import CropConfig
from sampipe.train.interaction import InteractionConfig
from sampipe.train.losses import MaskLoss


@dataclass(frozen=True, kw_only=True)
class SamSettings:
    """What is taught by clicking; the defaults are the paper's.

    Args:
        crop: the making of examples.
        interaction: how objects are prompted.
        mask_loss: proportions of focal and dice.
        affinity_weight: of a loss on the encoder itself, for starts from nothing (the paper: none).
        freeze: parts that are not trained, of :data:`sampipe.train.freeze.PARTS`.
        limit: repeat the first so many examples, to see whether a setting can learn at all.
    """

    crop: CropConfig = field(default_factory=CropConfig)
    interaction: InteractionConfig = field(default_factory=InteractionConfig)
    mask_loss: MaskLoss = field(default_factory=MaskLoss)
    affinity_weight: float = 0.0
    freeze: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class Recipe:
    """Settings and a loop that suit each other."""

    settings: SamSettings
    loop: LoopConfig


_VARIED = CropConfig(masks=8, zoom=(0.6, 2.0), stretch=0.22, flip=True, jitter=True, compose=0.4)

RECIPES = {
    "paper": Recipe(SamSettings(), LoopConfig()),
    "scratch": Recipe(
        SamSettings(
            crop=_VARIED,
            interaction=InteractionConfig(rounds=3, box_noise_varies=True, single_from_box=True),
            mask_loss=MaskLoss(focal_weight=0.8, focal_gamma=0.0, focal_alpha=0.5, every_iou=True),
            affinity_weight=0.1,
        ),
        LoopConfig(
            steps=30_000,
            batch_size=8,
            micro_batch=8,
            optimizer=OptimizerConfig(
                learning_rate=1.2e-3,
                weight_decay=0.05,
                layer_decay=1.0,
                drop_path=0.0,
                clip=1.0,
                schedule="cosine",
                warmup=200,
                ema=0.998,
            ),
        ),
    ),
    "finetune": Recipe(
        SamSettings(
            crop=replace(_VARIED, zoom=(0.8, 1.6), compose=0.0),
            interaction=InteractionConfig(rounds=3, box_noise_varies=True, single_from_box=True),
            mask_loss=MaskLoss(every_iou=True),
        ),
        LoopConfig(
            steps=200,
            batch_size=4,
            micro_batch=1,
            optimizer=OptimizerConfig(
                learning_rate=2e-4,
                weight_decay=0.01,
                layer_decay=0.8,
                drop_path=0.0,
                clip=1.0,
                schedule="cosine",
                warmup=20,
                ema=0.98,
            ),
        ),
    ),
}
"""``paper``: appendix A, for ViT-H. ``scratch``: a small model from nothing on little data. ``finetune``: a model that
exists, on a user's own images."""

_OF_SIZES: dict[str | None, tuple[int, int, dict[str, Any]]] = {
    "vit_b": (180_000, 128, {"layer_decay": 0.6, "drop_path": 0.6}),
    "vit_l": (180_000, 128, {"learning_rate": 4e-4}),
}
"""Where the paper's recipe differs for its smaller encoders (appendix A "Training recipe"): steps, batch, optimizer."""

AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "none": {"zoom": (1.0, 1.0), "stretch": 0.0, "flip": False, "jitter": False, "compose": 0.0},
    "flip": {"zoom": (1.0, 1.0), "stretch": 0.0, "flip": True, "jitter": False, "compose": 0.0},
    "full": {"zoom": (0.6, 2.0), "stretch": 0.22, "flip": True, "jitter": True, "compose": 0.4},
}
"""Fields of :class:`CropConfig`, by how much examples are varied."""


def recipe(name: str, *, shape: str | None = None) -> Recipe:
    """The settings that go by ``name``, for a model of a named shape.

    Raises:
        DataError: there is no such recipe; the message lists them.
    """
    if name not in RECIPES:
        raise DataError(f"No recipe is called {name!r}. Known: {', '.join(RECIPES)}.")
    found = RECIPES[name]
    if name != "paper" or shape not in _OF_SIZES:
        return found
    steps, batch_size, changes = _OF_SIZES[shape]
    optimizer = replace(found.loop.optimizer, **changes)
    return replace(found, loop=replace(found.loop, steps=steps, batch_size=batch_size, optimizer=optimizer))


def augmented(crop: CropConfig, name: str) -> CropConfig:
    """``crop`` with examples varied as ``name`` says.

    Raises:
        DataError: there is no such augmentation; the message lists them.
    """
    if name not in AUGMENTATIONS:
        raise DataError(f"No augmentation is called {name!r}. Known: {', '.join(AUGMENTATIONS)}.")
    return replace(crop, **AUGMENTATIONS[name])
