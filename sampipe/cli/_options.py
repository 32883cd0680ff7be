"""Options that several commands have, with one name and one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help="A name from `sampipe models`, or a checkpoint file.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Detector = Annotated[
    str | None,
    typer.Option(metavar="ID", help="What finds the objects: face, yolox_nano:FILE, onnx:FILE, …"),
]
Confidence = Annotated[
    float | None, typer.Option(min=0, max=1, help="The lowest confidence of a --detector that counts.")
]
Text = Annotated[str | None, typer.Option(metavar="WORDS", help="What to look for, with commas: 'a dog, a wheel'.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")]
JsonDocument = Annotated[bool, typer.Option("--json", help="Print one JSON document, no table.")]
JsonEvents = Annotated[bool, typer.Option("--json", help="Print events, one JSON document a line.")]
