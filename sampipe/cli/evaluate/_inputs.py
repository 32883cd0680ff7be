"""Model and data of a command, given or made up for ``--smoke``, around its measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from sampipe.cli import _screen


@contextmanager
def model_and_data(model: str, data: Path | None, smoke: bool) -> Iterator[tuple[str, Path]]:
    """The model's name or file and the data's folder or list; the block measures.

    A process that did its share of a measurement that others have not finished ends well, without a table.

    Raises:
        typer.BadParameter: neither data nor ``--smoke``, or both.
    """
    from sampipe.eval.results import Unfinished
    from sampipe.eval.smoke import smoke_case
    from sampipe.train.presets import PRESETS

    if smoke == (data is not None):
        raise typer.BadParameter("give --data DIR, or --smoke to see that the command runs; not both")
    try:
        if data is not None:
            yield model, data
        else:
            shape = model if model in PRESETS and model != "nano" else None
            what = f"random weights of {shape}'s shape" if shape else "random weights"
            _screen.note(f"smoke run: {what}, made-up pictures; the figures mean nothing")
            with smoke_case(shape) as case:
                yield str(case.model), case.data
    except Unfinished as so_far:
        _screen.note(str(so_far))
        raise typer.Exit from None
