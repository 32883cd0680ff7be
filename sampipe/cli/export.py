"""``sampipe export``: models in other formats."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli import _options as options


class Names(str, Enum):
    """What a decoder's inputs and outputs are called."""

    sampipe = "sampipe"
    segment_anything = "segment-anything"


app = typer.Typer(no_args_is_help=True, help="Write models in other formats.")


@app.callback()
def export() -> None:
    """Write models in other formats."""


@app.command()
def onnx(
    model: options.Model = "nano",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="<model>.decoder.onnx by default.")] = None,
    names: Annotated[
        Names, typer.Option(help="Whose inputs and outputs: sampipe's, or segment-anything's own export's.")
    ] = Names.sampipe,
    single_mask: Annotated[
        bool, typer.Option("--single-mask", help="With segment-anything's names: one mask, as their web demo wants.")
    ] = False,
    check: Annotated[bool, typer.Option(help="Compare the file with PyTorch on several kinds of prompts.")] = True,
) -> None:
    """Write the prompt encoder and mask decoder as one ONNX file.

    It is what browsers and phones need to answer clicks on an image that a
    server has encoded. The check runs it with onnxruntime; a difference above
    1e-3 is an error. With --names segment-anything the file goes where one of
    that package's export_onnx_model.py went, and is not checked.
    """
    from sampipe.cli import _screen
    from sampipe.models import load_model
    from sampipe.models.onnx import compare, export_decoder, export_official

    if single_mask and names is Names.sampipe:
        raise typer.BadParameter("--single-mask is for --names segment-anything")
    loaded = load_model(model, "cpu")
    if names is Names.segment_anything:
        path = export_official(loaded, out or Path(f"{loaded.name}.segment-anything.onnx"), single=single_mask)
        _screen.note(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
        return
    path = export_decoder(loaded, out or Path(f"{loaded.name}.decoder.onnx"))
    _screen.note(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    if not check:
        return
    rows = compare(loaded, path)
    _screen.print_table(
        [(row.prompt, f"{row.logits:.1e}", f"{row.iou:.1e}") for row in rows],
        columns=("prompt", "logits", "IoU"),
        right=("logits", "IoU"),
        title="Largest difference from PyTorch",
    )
    if any(max(row.logits, row.iou) > 1e-3 for row in rows):
        raise typer.Exit(1)
