"""``sampipe train sam``: the paper's interactive training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sampipe.cli.train import _options as options
from sampipe.cli.train import _sam_options as of_sam
from sampipe.errors import DataError

if TYPE_CHECKING:
    import torch

    from sampipe.models.config import SamConfig
    from sampipe.models.sam import Sam
    from sampipe.train.config import LoopConfig
    from sampipe.train.recipes import Recipe, SamTask


def sam(
    context: typer.Context,
    data: of_sam.Data,
    masks: of_sam.Masks = None,
    min_area: of_sam.MinArea = 64,
    photo_cache: options.PhotoCache = 512,
    only_first: of_sam.OnlyFirst = None,
    start: of_sam.Start = None,
    model: of_sam.Model = None,
    from_mae: of_sam.FromMae = None,
    recipe: of_sam.Recipe = None,
    freeze: of_sam.Freeze = None,
    rounds: of_sam.Rounds = None,
    rounds_vary: of_sam.RoundsVary = False,
    box_noise: of_sam.BoxNoise = None,
    recompute: of_sam.Recompute = False,
    augment: of_sam.Augment = None,
    size: of_sam.Size = None,
    zoom: of_sam.Zoom = None,
    stretch: of_sam.Stretch = None,
    compose: of_sam.Compose = None,
    cut_outs: of_sam.CutOuts = None,
    batch_size: of_sam.BatchSize = None,
    micro_batch: of_sam.MicroBatch = None,
    optimizer: of_sam.Optimizer = None,
    learning_rate: of_sam.LearningRate = None,
    weight_decay: of_sam.WeightDecay = None,
    warmup: of_sam.Warmup = None,
    schedule: of_sam.Schedule = None,
    layer_decay: of_sam.LayerDecay = None,
    drop_path: of_sam.DropPath = None,
    clip: of_sam.Clip = None,
    ema: of_sam.Ema = None,
    out: options.Out = Path("run"),
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    device: options.Device = "auto",
    workers: options.Workers = 1,
    bf16: options.Bf16 = None,
    compile: options.Compile = None,
    seed: options.Seed = 0,
    save_minutes: options.SaveMinutes = 5.0,
    val: options.Val = None,
    val_every: options.ValEvery = 1000,
    val_limit: options.ValLimit = None,
    log_every: options.LogEvery = 20,
    tensorboard: options.Tensorboard = False,
) -> None:
    """Train a model by clicking, as the paper does: a point or box, then corrections, round after round.

    What is not given is as the recipe says. A run can be killed and started again by the same command;
    several GPUs: torchrun --nproc-per-node 8 -m sampipe.cli train sam ...
    """
    from sampipe.train.recipes import recipe as by_name
    from sampipe.train.sam import sam_trainer
    from sampipe.train.world import World

    given = context.params
    world = World.from_environment()
    place = world.device(device)
    with world.joined(place):
        network, began = _network(model, start, from_mae, seed, place)
        plan = by_name(recipe or ("finetune" if start else "paper"), shape=model or start)
        task = _task(plan.task, given, network.config)
        trainer = sam_trainer(
            network,
            [options.folder_with_share(text) for text in data],
            task,
            _loop(plan, given, on_gpu=place.type == "cuda"),
            out,
            options=options.of_run(given),
            start=began,
            photo_bytes=photo_cache * 1_000_000,
            validate=options.validation(val, val_limit, str(place)),
            world=world,
        )
        path = trainer.run()
        if world.main:
            print(f"wrote {path}")


def _network(
    shape: str | None, start: str | None, mae: Path | None, seed: int, place: torch.device
) -> tuple[Sam, dict[str, Any]]:
    from sampipe.train.starts import copied_network, new_network

    if start is None and shape is None:
        raise DataError("Give --from MODEL to go on from a model, or --model SHAPE to begin from nothing.")
    if start is None:
        return new_network(str(shape), device=place, seed=seed, mae=mae)
    if shape is not None or mae is not None:
        raise DataError("--from brings its own shape and weights: leave --model and --from-mae out.")
    return copied_network(start, device=place)


def _task(task: SamTask, given: dict[str, Any], config: SamConfig) -> SamTask:
    from sampipe.train.recipes import augmented

    freeze = tuple(given["freeze"] or ())
    level = given["augment"] or ("flip" if "encoder" in freeze else None)
    crop = task.crop if level is None else augmented(task.crop, level)
    crop = replace(crop, native_size=config.image_size, size=config.image_size, min_area=given["min_area"])
    return replace(
        task,
        crop=replace(crop, **_said(given, "size", "masks", "zoom", "stretch", "compose", "cut_outs")),
        interaction=replace(
            task.interaction,
            recompute=given["recompute"],
            rounds_vary=given["rounds_vary"],
            **_said(given, "rounds", "box_noise"),
        ),
        freeze=freeze,
        limit=given["only_first"],
    )


def _loop(plan: Recipe, given: dict[str, Any], *, on_gpu: bool) -> LoopConfig:
    names = ("learning_rate", "weight_decay", "warmup", "schedule", "layer_decay", "drop_path", "ema")
    optimizer = replace(plan.loop.optimizer, **_said(given, *names))
    if given["optimizer"] is not None:
        optimizer = replace(optimizer, name=given["optimizer"])
    if given["clip"] is not None:
        optimizer = replace(optimizer, clip=given["clip"] or None)
    batch = _said(given, "batch_size", "micro_batch")
    if "batch_size" in batch and "micro_batch" not in batch:
        batch["micro_batch"] = min(batch["batch_size"], plan.loop.micro_batch)
    bf16 = on_gpu if given["bf16"] is None else given["bf16"]
    return replace(
        plan.loop,
        optimizer=optimizer,
        seed=given["seed"],
        bf16=bf16,
        minutes=given["minutes"],
        **batch,
        **_said(given, "steps"),
    )


def _said(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """The options that were given."""
    return {name: given[name] for name in names if given[name] is not None}
