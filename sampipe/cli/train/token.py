"""``sampipe train token``: the paper's text prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli.train._options import DATA, OPTIMIZER, RUN, START, TAUGHT, Device, Seed


def token(
    data: Annotated[Path, typer.Option(metavar="DIR", rich_help_panel=DATA, help="A COCO folder; names are not used.")],
    out: Annotated[Path, typer.Option(metavar="FILE", rich_help_panel=RUN, help="The safetensors file to write.")],
    clip: Annotated[
        str,
        typer.Option(
            rich_help_panel=START, help="The CLIP model: ViT-L-14-336/openai as in the paper, local-dir:DIR …"
        ),
    ] = "ViT-B-32/openai",
    start: Annotated[
        str, typer.Option("--from", metavar="MODEL", rich_help_panel=START, help="The model; its encoder stays.")
    ] = "vit_b",
    decoder: Annotated[
        bool, typer.Option("--decoder/--projection-only", rich_help_panel=TAUGHT, help="Teach the mask decoder, too.")
    ] = True,
    encoder: Annotated[
        bool, typer.Option("--encoder", rich_help_panel=TAUGHT, help="Teach the image encoder, too.")
    ] = False,
    min_area: Annotated[
        int, typer.Option(min=1, rich_help_panel=DATA, help="Smallest mask, in square pixels; the paper's is 100².")
    ] = 10_000,
    rounds: Annotated[
        int, typer.Option(min=1, rich_help_panel=TAUGHT, help="The vector, then so many points less one.")
    ] = 3,
    steps: Annotated[int, typer.Option(min=1, rich_help_panel=RUN, help="At most so many.")] = 10_000,
    batch_size: Annotated[int, typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Photos a step.")] = 1,
    minutes: Annotated[float | None, typer.Option(rich_help_panel=RUN, help="At most so long.")] = None,
    learning_rate: Annotated[float, typer.Option(rich_help_panel=OPTIMIZER, help="At its peak.")] = 3e-4,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Teach a model to take CLIP vectors as prompts, without captions.

    CLIP image vectors of the objects' crops are the prompts in training; text vectors take their place when it is used:
    sampipe segment photo.jpg --model FILE --clip CLIP --text "a wheel" (paper, section 7.5 and appendix D.5).
    """
    from sampipe.models import load_model
    from sampipe.models.checkpoints import save_checkpoint
    from sampipe.text.clip import load_clip
    from sampipe.train.text_token import TokenConfig, photos, train_token, with_token

    eyes = load_clip(clip, device)
    sam = with_token(load_model(start, device).sam, eyes)
    config = TokenConfig(
        minutes=minutes,
        steps=steps,
        pictures=batch_size,
        rounds=rounds,
        learning_rate=learning_rate,
        train_decoder=decoder,
        train_encoder=encoder,
        least_area=min_area,
        seed=seed,
    )
    train_token(sam, eyes, photos(data), config, say=print)
    save_checkpoint(sam.state_dict(), sam.config, out, notes={"clip": clip})
    print(f"wrote {out}")
