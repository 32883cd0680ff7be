"""``sampipe export``: models in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli import _options as options

app = typer.Typer(no_args_is_help=True, help="Write models in other formats.")


@app.callback()
def export() -> None:
    """Write models in other formats."""


@app.command()
def onnx(
    model: options.Model = "nano",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="<model>.decoder.onnx by default.")] = None,
    check: Annotated[bool, typer.Option(help="Compare the file with PyTorch on several kinds of prompts.")] = True,
) -> None:
    """Write the prompt encoder and mask decoder as one ONNX file.

    It is what browsers and phones need to answer clicks on an image that a
    server has encoded. The check runs it with onnxruntime; a difference above
    1e-3 is an error.
    """
    from sampipe.cli import _screen
    from sampipe.export import compare, export_decoder
    from sampipe.models import load_model

    loaded = load_model(model, "cpu")
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
