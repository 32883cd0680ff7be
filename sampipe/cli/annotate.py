"""``sampipe annotate``: label a folder of images in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli import _options as options


def annotate(
    folder: Annotated[Path, typer.Argument(help="With images in it, or in images/ inside it.", show_default=False)],
    labels: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="The only labels that masks may have; without, any.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Pre-fill images with what this finds: face, yolox_nano, 'text:a dog', learned, everything …",
        ),
    ] = None,
    confidence: options.Confidence = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="First train a detector on the masks so far, then pre-fill with it.")
    ] = False,
    minutes: Annotated[float, typer.Option(min=0.05, help="How long --learn takes.")] = 10.0,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Pre-fill every image that nobody has worked on, without a page.")
    ] = False,
    model: options.Model = "nano",
    device: options.Device = "auto",
    port: Annotated[int | None, typer.Option(help="Of the page; a free one from 7860 on without.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Label images with clicks, boxes and a brush, and let a model pre-fill them.

    Writes FOLDER/annotations/<image>.json (SA-1B) after every change and
    FOLDER/instances.json (COCO), from which `sampipe train sam --data FOLDER`
    learns. Opens again where it stopped. Ctrl-C ends it.
    """
    from sampipe._optional import require

    require("gradio", "demo")
    from sampipe.pages.label.command import Wish, run

    run(
        Wish(
            folder=folder,
            labels=None if labels is None else tuple(labels.split(",")),
            source=detector,
            confidence=confidence,
            learn_minutes=minutes if learn else None,
            automatic=automatic,
            model=model,
            device=device,
            port=port,
            open_browser=browser,
        ),
        say=print,
    )
