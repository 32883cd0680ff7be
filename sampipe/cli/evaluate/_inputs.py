"""Model and data of a command, given or made up for ``--smoke``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from sampipe.cli import _screen


@contextmanager
def model_and_data(model: str, data: Path | None, smoke: bool) -> Iterator[tuple[str, Path]]:
    """The model's name or file and the data's folder or list.

    Raises:
        typer.BadParameter: neither data nor ``--smoke``, or both.
    """
    if smoke == (data is not None):
        raise typer.BadParameter("give --data DIR, or --smoke to see that the command runs; not both")
    if data is not None:
        yield model, data
        return
    from sampipe.eval.smoke import smoke_case

    _screen.note("smoke run: random weights, made-up pictures; the figures mean nothing")
    with smoke_case() as case:
        yield str(case.model), case.data
