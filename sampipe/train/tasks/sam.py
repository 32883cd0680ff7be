"""The paper's interactive training: a network, folders of masks and how it is prompted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sampipe.errors import DataError
from sampipe.models.sam import Sam
from sampipe.train.examples import Examples
from sampipe.train.freeze import freeze
from sampipe.train.objective import InteractiveObjective
from sampipe.train.recipes import SamSettings
from sampipe.train.sources import open_source
from sampipe.train.task import Task, sam_fields


def sam_task(
    network: Sam,
    folders: Sequence[tuple[str | Path, float]],
    settings: SamSettings,
    *,
    seed: int = 0,
    start: dict[str, Any] | None = None,
    image_bytes: int = 1 << 29,
    feature_bytes: int = 1 << 31,
) -> Task:
    """What the paper's interactive algorithm teaches.

    Args:
        network: trained in place.
        folders: COCO folders or folders in SA-1B's layout, each with its share of the examples.
        settings: how examples are made and prompted.
        seed: of the examples; the loop's.
        start: what the network began with, for ``run.json``.
        image_bytes: decoded images that each worker may keep.
        feature_bytes: features of repeated images, kept where the encoder is frozen.

    Raises:
        DataError: a folder, share or size that will not do.
    """
    _check_size(network, settings)
    freeze(network, settings.freeze)
    sources = [(open_source(folder), share) for folder, share in folders]
    data = [source.describe() | {"share": share} for source, share in sources]
    return Task(
        name="sam",
        objective=InteractiveObjective(
            network,
            interaction=settings.interaction,
            mask_loss=settings.mask_loss,
            affinity_weight=settings.affinity_weight,
            feature_bytes=feature_bytes if settings.crop.repeats else 0,
        ),
        examples=Examples(sources, settings.crop, seed, image_bytes=image_bytes, limit=settings.limit),
        settings={"data": [[one["digest"], one["share"]] for one in data], **asdict(settings)},
        inputs={"data": data, "start": start or {}},
        **sam_fields(network),
    )


def _check_size(network: Sam, settings: SamSettings) -> None:
    size, full = settings.crop.size, network.config.image_size
    step = network.config.image_encoder.size_step
    if step is not None:
        if size % step or size <= 0:
            raise DataError(f"size: got {size}, wanted a multiple of {step} for this model.")
    elif size != full:
        raise DataError(f"size: got {size}, wanted {full}: this model's encoder takes no other.")
