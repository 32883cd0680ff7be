"""``sampipe train sam``: the paper's interactive training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli.train import _options as options
from sampipe.cli.train._options import DATA, EXAMPLES, OPTIMIZER, START, TAUGHT
from sampipe.errors import DataError

if TYPE_CHECKING:
    import torch

    from sampipe.models.config import SamConfig
    from sampipe.models.sam import Sam
    from sampipe.train.config import LoopConfig
    from sampipe.train.recipes import Recipe, SamTask

_FREE: Any = {"show_default": False}  # where the recipe decides


def sam(
    context: typer.Context,
    data: Annotated[
        list[str],
        typer.Option(
            metavar="DIR[=SHARE]",
            rich_help_panel=DATA,
            help="A COCO folder, or one in SA-1B's layout. May be given again; the shares weigh them.",
        ),
    ],
    masks: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=DATA, help="Masks of a picture, at most.", **_FREE)
    ] = None,
    min_area: Annotated[
        int, typer.Option(min=0, rich_help_panel=DATA, help="Smallest mask, in px² of the example.")
    ] = 64,
    photo_cache: Annotated[
        int, typer.Option(min=0, metavar="MB", rich_help_panel=DATA, help="Decoded photos that each worker keeps.")
    ] = 512,
    only_first: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=DATA, help="Repeat N examples: can it learn them by heart?"),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", rich_help_panel=START, help="A model's name or file to go on from."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=START, help="A shape to begin from nothing: nano, mobile_sam, vit_b, vit_l, vit_h."
        ),
    ] = None,
    from_mae: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=START, help="With --model vit_*: MAE weights in timm's naming."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=TAUGHT,
            help="paper: as published. scratch: a small model from nothing. finetune: a model on your own pictures.",
            show_default="finetune with --from, else paper",
        ),
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            rich_help_panel=TAUGHT,
            help="Leave as it is: encoder, prompt_encoder, decoder. Again for more.",
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=TAUGHT, help="Prompts an object; the paper: 11.", **_FREE)
    ] = None,
    rounds_vary: Annotated[
        bool, typer.Option("--rounds-vary", rich_help_panel=TAUGHT, help="Draw from 1 to --rounds, mostly few.")
    ] = False,
    box_noise: Annotated[
        float | None,
        typer.Option(min=0, rich_help_panel=TAUGHT, help="Of boxes, as a share of their sides; 0.1.", **_FREE),
    ] = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", rich_help_panel=TAUGHT, help="A tenth of the memory, a third more time.")
    ] = False,
    augment: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=EXAMPLES,
            help="none, flip or full. A frozen encoder sees each picture but once, unless full.",
            show_default="flip with --freeze encoder, else the recipe's",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=32, rich_help_panel=EXAMPLES, help="Side of the examples.", show_default="the model's"),
    ] = None,
    zoom: Annotated[
        tuple[float, float] | None, typer.Option(rich_help_panel=EXAMPLES, help="Range of the random zoom.", **_FREE)
    ] = None,
    stretch: Annotated[
        float | None,
        typer.Option(min=0, rich_help_panel=EXAMPLES, help="Change the aspect by up to e^±STRETCH; 0.22.", **_FREE),
    ] = None,
    compose: Annotated[
        float | None,
        typer.Option(min=0, max=1, rich_help_panel=EXAMPLES, help="Share with cut-outs pasted on.", **_FREE),
    ] = None,
    cut_outs: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=EXAMPLES, help="Objects waiting to be pasted; 200.", **_FREE)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Pictures a step, over all processes.", **_FREE)
    ] = None,
    micro_batch: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Pictures a process holds at once.", **_FREE)
    ] = None,
    optimizer: Annotated[str | None, typer.Option(rich_help_panel=OPTIMIZER, help="adamw or muon.", **_FREE)] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, help="After the warm-up.", **_FREE)
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, **_FREE)] = None,
    warmup: Annotated[int | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, help="Steps.", **_FREE)] = None,
    schedule: Annotated[
        str | None, typer.Option(rich_help_panel=OPTIMIZER, help="step (the paper's) or cosine.", **_FREE)
    ] = None,
    layer_decay: Annotated[
        float | None,
        typer.Option(min=0, max=1, rich_help_panel=OPTIMIZER, help="Each earlier layer learns slower by it.", **_FREE),
    ] = None,
    drop_path: Annotated[
        float | None, typer.Option(min=0, max=0.99, rich_help_panel=OPTIMIZER, help="In the last block.", **_FREE)
    ] = None,
    clip: Annotated[
        float | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, help="Largest gradient norm; 0: any.", **_FREE)
    ] = None,
    ema: Annotated[
        float | None, typer.Option(min=0, max=1, rich_help_panel=OPTIMIZER, help="Decay of averaged weights.", **_FREE)
    ] = None,
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
    from sampipe.train.config import RunOptions
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
            options=RunOptions(
                device=device,
                workers=workers,
                compile=compile,
                save_minutes=save_minutes,
                log_every=log_every,
                validate_every=val_every,
                tensorboard=tensorboard,
            ),
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
