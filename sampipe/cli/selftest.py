"""``sampipe selftest``: faults, counted on this machine."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen
from sampipe.cli._root import FAILED

if TYPE_CHECKING:
    from sampipe.measure.faults import Done, Size


def selftest(
    quick: Annotated[bool, typer.Option("--quick", help="Smaller trials: a few minutes.")] = False,
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="These trials.", show_default=False)] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="SIZE=NUMBER", help="Another size, such as memory_images=2000.", show_default=False
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file, too.")] = None,
) -> None:
    """Do bad things to sampipe and count what comes of it.

    Jobs are killed, inputs are bad, the disk is full, memory is short, weights
    are hostile, clients come in crowds. Exit code 1 if a promise was broken.
    """
    from sampipe.measure.faults import FULL, QUICK, run_trials

    size = _resized(QUICK if quick else FULL, sizes or ())
    done: list[Done] = []
    for one in run_trials(size, [name.strip() for name in only.split(",")] if only else []):
        done.append(one)
        _screen.note(f"{one.trial.name}: {one.word}, {one.seconds:.0f} s")
    rows = [(one.trial.name, one.trial.fault, one.figures, one.word, f"{one.seconds:.0f}") for one in done]
    _screen.print_table(
        rows, columns=("trial", "what is done", "what came of it", "", "s"), right=("s",), least_width=140
    )
    if json is not None:
        _write(json, size, done)
        print(f"wrote {json}")
    if any(one.word == "FAILED" for one in done):
        raise typer.Exit(FAILED)


def _resized(size: Size, changes: list[str] | tuple[()]) -> Size:
    values = {}
    for change in changes:
        name, _, number = change.partition("=")
        if name not in asdict(size) or not number.isdecimal() or not int(number):
            raise typer.BadParameter(f"got {change!r}, wanted one of {', '.join(asdict(size))} and a number above 0")
        values[name] = int(number)
    return replace(size, **values)


def _write(file: Path, size: Size, done: list[Done]) -> None:
    import json
    import platform
    from importlib.metadata import version

    from sampipe._files import write_atomic

    document = {
        "task": "selftest",
        "size": asdict(size),
        "rows": [
            {
                "trial": one.trial.name,
                "result": one.word,
                "figures": one.figures,
                "seconds": one.seconds,
            }
            for one in done
        ],
        "versions": {"sampipe": version("sampipe"), "python": platform.python_version()},
    }
    write_atomic(file, json.dumps(document, indent=1, allow_nan=False).encode())
