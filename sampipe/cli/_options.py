"""Options that several commands have, with one name and one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help="A name from `sampipe models`, a file, or a folder of transformers.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Precision = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="exact, bf16, or fp16 on a GPU; `sampipe doctor` says whether bf16 is faster here."
    ),
]
BatchSize = Annotated[
    int, typer.Option(min=1, help="Images that go through the encoder together: a core each, or stacked on a GPU.")
]
Detector = Annotated[
    str | None,
    typer.Option(metavar="ID", help="What finds the objects: face, yolox_nano:FILE, onnx:FILE, …"),
]
Confidence = Annotated[
    float | None, typer.Option(min=0, max=1, help="The lowest confidence of a --detector that counts.")
]
Text = Annotated[str | None, typer.Option(metavar="WORDS", help="What to look for, with commas: 'a dog, a wheel'.")]
Recursive = Annotated[bool, typer.Option("--recursive", help="Folders with all their subfolders.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")]
JsonDocument = Annotated[bool, typer.Option("--json", help="Print one JSON document, no table.")]
JsonEvents = Annotated[bool, typer.Option("--json", help="Print events, one JSON document a line.")]
Place = Annotated[
    str | None,
    typer.Option(
        "--images",
        metavar="HOW",
        help="Image files beside the annotations: link, copy or none. By default what the format needs.",
        show_default=False,
    ),
]
