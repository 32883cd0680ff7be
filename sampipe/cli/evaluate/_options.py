"""The options that commands of ``sampipe eval`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli import _options

Model = _options.Model
Device = _options.Device

Data = Annotated[Path, typer.Option(help="A COCO folder: images/ and instances.json or instances.json.gz.")]
DataOrList = Annotated[
    Path | None,
    typer.Option(
        help="A COCO folder (images/ and instances.json or instances.json.gz), or a YAML list of them.",
        show_default=False,
    ),
]
CocoData = Annotated[
    Path | None,
    typer.Option(
        help="A COCO or LVIS folder: the photos, and instances.json or instances.json.gz.", show_default=False
    ),
]
AnnotationFile = Annotated[
    Path | None,
    typer.Option(
        help="Another annotation file than the folder's own: COCO or LVIS, .json or .json.gz.", show_default=False
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many pictures, drawn with --seed.")]
MinArea = Annotated[int, typer.Option(min=0, help="Smallest object, in square pixels of its mask.")]
Seed = Annotated[int, typer.Option(help="Of every random draw.")]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep the results of each picture here; the same command again goes on there."),
]
ShardText = Annotated[
    str,
    typer.Option("--shard", metavar="I/N", help="Measure every N-th picture, from the I-th; all share one --out."),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file, too.")]
PlotFile = Annotated[Path | None, typer.Option("--plot", help="Draw them into this file (.png, .svg, .pdf), too.")]
Smoke = Annotated[
    bool,
    typer.Option(
        "--smoke",
        help="Only see that it runs: two made-up pictures, no --data, random weights; of a tiny network, or in the "
        "shape of --model vit_b, vit_l, vit_h, mobile_sam.",
    ),
]


def names(text: str) -> list[str]:
    """The words between the commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
