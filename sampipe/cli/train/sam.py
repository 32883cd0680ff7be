"""``sampipe train sam``: the paper's interactive training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sam(
    data: Annotated[
        list[str],
        typer.Option(help="A COCO folder, with its share of the examples if there are several: DIR[=0.6]"),
    ],
    out: Annotated[Path, typer.Option(help="The run's folder; one that holds a run goes on where it stopped.")],
    model: Annotated[str, typer.Option(help="Shape to train from nothing: nano, mobile_sam, vit_b …")] = "nano",
    start: Annotated[
        str | None, typer.Option("--from", help="Start from this model or checkpoint; its shape is kept.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Train so long; the schedule follows the clock.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="At most so many steps.")] = 90_000,
    size: Annotated[int, typer.Option(min=64, help="Side of the square examples, in pixels.")] = 512,
    zoom: Annotated[tuple[float, float], typer.Option(help="Range of the random zoom.")] = (0.6, 2.0),
    masks: Annotated[int, typer.Option(min=1, help="Masks of an example, at most.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="Prompts an object; the paper: 11.")] = 11,
    batch_size: Annotated[int, typer.Option(min=1, help="Examples a step.")] = 8,
    learning_rate: Annotated[float, typer.Option(help="At its peak.")] = 8e-4,
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.")] = 0.1,
    recipe: Annotated[
        str, typer.Option(help="paper: 20 focal to 1 dice; scratch: proportions that start a small model from nothing.")
    ] = "paper",
    workers: Annotated[int, typer.Option(min=0, help="Processes that make examples.")] = 1,
    bf16: Annotated[bool, typer.Option(help="Compute in bfloat16.")] = True,
    seed: Annotated[int, typer.Option(help="Of data, prompts and first weights.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
) -> None:
    """Train a Segment Anything model as the paper does: clicks and boxes, round after round."""
    from sampipe.train.data import CropConfig
    from sampipe.train.presets import recipe as recipe_named
    from sampipe.train.trainer import TrainConfig, Trainer, new_network

    mask_loss, affinity_weight = recipe_named(recipe)
    network = new_network(model, start=start, seed=seed, device=device)
    config = TrainConfig(
        folders=tuple(_folder(text) for text in data),
        minutes=minutes,
        steps=steps,
        batch_size=batch_size,
        rounds=rounds,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        mask_loss=mask_loss,
        affinity_weight=affinity_weight,
        crop=CropConfig(size=size, masks=masks, zoom=zoom, native_size=network.config.image_size),
        workers=workers,
        seed=seed,
        bf16=bf16,
    )
    path = Trainer(network, config, out, say=print).run()
    print(f"wrote {path}")


def _folder(text: str) -> tuple[str, float]:
    """``DIR`` or ``DIR=share``."""
    path, separator, share = text.rpartition("=")
    if not separator:
        return text, 1.0
    try:
        return path, float(share)
    except ValueError:
        return text, 1.0  # an equals sign in the folder's name
