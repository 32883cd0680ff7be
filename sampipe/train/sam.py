"""Training a model by clicking: the network, the data and the recipe put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sampipe.errors import DataError
from sampipe.models.config import NanoConfig
from sampipe.models.sam import Sam
from sampipe.train.config import DEFAULT_OPTIONS, LoopConfig, RunOptions
from sampipe.train.examples import Examples
from sampipe.train.freeze import freeze
from sampipe.train.objective import InteractiveObjective
from sampipe.train.recipes import SamTask
from sampipe.train.sources import open_source
from sampipe.train.trainer import Trainer, Validate
from sampipe.train.world import ALONE, World

_NANO_STEP = 32  # its deepest stride


def sam_trainer(
    network: Sam,
    folders: Sequence[tuple[str | Path, float]],
    task: SamTask,
    loop: LoopConfig,
    out: Path,
    *,
    options: RunOptions = DEFAULT_OPTIONS,
    start: dict[str, Any] | None = None,
    photo_bytes: int = 1 << 29,
    feature_bytes: int = 1 << 31,
    validate: Validate | None = None,
    say: Callable[[str], None] = print,
    world: World = ALONE,
) -> Trainer:
    """A trainer by the paper's interactive algorithm; its ``run`` returns the model's file.

    Args:
        network: trained in place.
        folders: COCO folders or folders in SA-1B's layout, each with its share of the examples.
        task: what is taught.
        loop: for how long, and by which steps.
        out: the run's folder; one that holds this run goes on.
        options: what does not change the result.
        start: what the network began with, for ``run.json``.
        photo_bytes: decoded photos that each worker may keep.
        feature_bytes: features of pictures that come again, kept where the encoder is frozen.
        validate: measures a model file.
        say: told a line of progress now and then.
        world: this process among others.

    Raises:
        DataError: a folder, share or size that will not do.
        CheckpointError: ``out`` holds a run of another configuration.
    """
    _check_size(network, task)
    freeze(network, task.freeze)
    sources = [(open_source(folder), share) for folder, share in folders]
    examples = Examples(sources, task.crop, loop.seed, photo_bytes=photo_bytes, limit=task.limit)
    objective = InteractiveObjective(
        network,
        interaction=task.interaction,
        mask_loss=task.mask_loss,
        affinity_weight=task.affinity_weight,
        feature_bytes=feature_bytes if task.crop.repeats else 0,
    )
    data = [source.describe() | {"share": share} for source, share in sources]
    return Trainer(
        network,
        objective,
        examples,
        loop,
        out,
        task={"name": "sam", "data": [[one["digest"], one["share"]] for one in data], **asdict(task)},
        options=options,
        inputs={"data": data, "start": start or {}},
        say=say,
        validate=validate,
        world=world,
    )


def _check_size(network: Sam, task: SamTask) -> None:
    size, full = task.crop.size, network.config.image_size
    if isinstance(network.config.image_encoder, NanoConfig):
        if size % _NANO_STEP or size <= 0:
            raise DataError(f"size: got {size}, wanted a multiple of {_NANO_STEP} for this model.")
    elif size != full:
        raise DataError(f"size: got {size}, wanted {full}: this model's encoder takes no other.")
