"""``sampipe train token``: the paper's text prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli.train import _options as options
from sampipe.cli.train._options import DATA, OPTIMIZER, START, TAUGHT
from sampipe.cli.train._run import run_task

if TYPE_CHECKING:
    import torch

    from sampipe.train.config import LoopConfig
    from sampipe.train.task import Task


Clip = Annotated[
    str,
    typer.Option(
        rich_help_panel=START,
        help="The CLIP model: ViT-L-14-336/openai as in the paper, local-dir:DIR …, or words: the objects' names, "
        "moved at random, stand in for their crops.",
    ),
]
Start = Annotated[
    str, typer.Option("--from", metavar="MODEL", rich_help_panel=START, help="The model; its encoder stays.")
]
Decoder = Annotated[
    bool, typer.Option("--decoder/--projection-only", rich_help_panel=TAUGHT, help="Teach the mask decoder, too.")
]
Encoder = Annotated[bool, typer.Option("--encoder", rich_help_panel=TAUGHT, help="Teach the image encoder, too.")]


def token(
    context: typer.Context,
    data: Annotated[Path, typer.Option(metavar="DIR", rich_help_panel=DATA, help="A COCO folder.")],
    clip: Clip = "ViT-B-32/openai",
    start: Start = "vit_b",
    decoder: Decoder = True,
    encoder: Encoder = False,
    min_area: Annotated[
        int,
        typer.Option(min=1, rich_help_panel=DATA, help="Smallest mask, in px² of the model's input; the paper: 100²."),
    ] = 10_000,
    masks: Annotated[int, typer.Option(min=1, rich_help_panel=DATA, help="Masks of an image, at most.")] = 8,
    image_cache: options.ImageCache = 512,
    rounds: Annotated[
        int, typer.Option(min=1, rich_help_panel=TAUGHT, help="The vector, then so many points less one.")
    ] = 3,
    batch_size: Annotated[int, typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Images a step.")] = 1,
    learning_rate: Annotated[float | None, typer.Option(rich_help_panel=OPTIMIZER, help="At its peak; 3e-4.")] = None,
    out: options.Out = Path("run"),
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    device: options.Device = "auto",
    workers: options.Workers = 1,
    bf16: options.Bf16 = None,
    seed: options.Seed = 0,
    save_minutes: options.SaveMinutes = 5.0,
    log_every: options.LogEvery = 20,
) -> None:
    """Teach a model to take CLIP vectors as prompts, without captions.

    CLIP image vectors of the objects' crops are the prompts in training (with --clip words, which cannot look at
    images, vectors near the objects' names); text vectors take their place when it is used:
    sampipe segment photo.jpg --model DIR/model.safetensors --clip CLIP --text "a wheel" (paper, section 7.5 and
    appendix D.5).
    """
    from sampipe.models import load_model
    from sampipe.text.clip import load_clip
    from sampipe.text.words import NAME, load_words
    from sampipe.train.tasks.token import TOKEN_LOOP, TokenSettings, token_task, with_token

    settings = TokenSettings(
        masks=masks, min_area=min_area, rounds=rounds, train_decoder=decoder, train_encoder=encoder
    )

    def make(place: torch.device, loop: LoopConfig) -> Task:
        eyes = load_words() if clip == NAME else load_clip(clip, str(place))
        known = load_model(start, str(place))
        return token_task(
            with_token(known.sam, eyes),
            eyes,
            data,
            settings,
            seed=loop.seed,
            start={"model": start, "sha256": known.key, "clip": clip},
            image_bytes=image_cache * 1_000_000,
        )

    run_task(make, TOKEN_LOOP, context.params)
