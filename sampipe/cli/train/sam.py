"""``sampipe train sam``: the paper's interactive training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sampipe.cli.train import _options as options
from sampipe.cli.train import _sam_options as of_sam
from sampipe.cli.train._run import run_task, said
from sampipe.errors import DataError

if TYPE_CHECKING:
    import torch

    from sampipe.models.config import SamConfig
    from sampipe.models.sam import Sam
    from sampipe.train.config import LoopConfig
    from sampipe.train.recipes import SamSettings
    from sampipe.train.task import Task


def sam(
    context: typer.Context,
    data: of_sam.Data,
    masks: of_sam.Masks = None,
    min_area: of_sam.MinArea = 64,
    image_cache: options.ImageCache = 512,
    only_first: of_sam.OnlyFirst = None,
    start: of_sam.Start = None,
    model: of_sam.Model = None,
    from_mae: of_sam.FromMae = None,
    from_imagenet: of_sam.FromImagenet = None,
    decoder_from: of_sam.DecoderFrom = None,
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
    clip_norm: of_sam.Clip = None,
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

    given = context.params
    plan = by_name(recipe or ("finetune" if start else "paper"), shape=model or start)
    run_task(partial(_task, given, plan.settings), plan.loop, given)


def _task(given: dict[str, Any], settings: SamSettings, place: torch.device, loop: LoopConfig) -> Task:
    from sampipe.train.tasks.sam import sam_task

    files = {"mae": given["from_mae"], "imagenet": given["from_imagenet"], "decoder": given["decoder_from"]}
    network, began = _network(given["model"], given["start"], files, given["seed"], place)
    return sam_task(
        network,
        [options.folder_with_share(text) for text in given["data"]],
        _settings(settings, given, network.config),
        seed=loop.seed,
        start=began,
        image_bytes=given["image_cache"] * 1_000_000,
    )


def _network(
    shape: str | None, start: str | None, files: dict[str, Path | None], seed: int, place: torch.device
) -> tuple[Sam, dict[str, Any]]:
    from sampipe.train.starts import copied_network, new_network

    if start is None and shape is None:
        raise DataError("Give --from MODEL to start from a model, or --model SHAPE to start from random weights.")
    if start is None:
        return new_network(str(shape), device=place, seed=seed, **files)
    if shape is not None or any(files.values()):
        raise DataError("--from brings its own shape and weights: leave --model, --from-* and --decoder-from out.")
    return copied_network(start, device=place)


def _settings(settings: SamSettings, given: dict[str, Any], config: SamConfig) -> SamSettings:
    from sampipe.train.recipes import augmented

    freeze = tuple(given["freeze"] or ())
    level = given["augment"] or ("flip" if "encoder" in freeze else None)
    crop = settings.crop if level is None else augmented(settings.crop, level)
    crop = replace(crop, native_size=config.image_size, size=config.image_size, min_area=given["min_area"])
    return replace(
        settings,
        crop=replace(crop, **said(given, "size", "masks", "zoom", "stretch", "compose", "cut_outs")),
        interaction=replace(
            settings.interaction,
            recompute=given["recompute"],
            rounds_vary=given["rounds_vary"],
            **said(given, "rounds", "box_noise"),
        ),
        freeze=freeze,
        limit=given["only_first"],
    )
