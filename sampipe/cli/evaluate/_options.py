"""The options that commands of ``sampipe eval`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help="A model's name or a checkpoint file; see `sampipe models`.")]
Data = Annotated[Path, typer.Option(help="A COCO folder: images/ and instances.json or instances.json.gz.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many pictures, drawn with --seed.")]
MinArea = Annotated[int, typer.Option(min=0, help="Smallest object, in square pixels of its mask.")]
Seed = Annotated[int, typer.Option(help="Of every random draw.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file, too.")]
