"""``sampipe data``: work on data sets."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from sampipe.cli import _screen
from sampipe.cli._root import FAILED

app = typer.Typer(no_args_is_help=True, help="Work on data sets.")


@app.callback()
def data() -> None:
    """Work on data sets."""


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="The data set's folder.")],
    target: Annotated[Path, typer.Argument(metavar="NEW", help="The folder that is written; empty or not there.")],
    to: Annotated[str, typer.Option(help="The format; `sampipe data formats` lists them.")] = "coco",
    format: Annotated[str, typer.Option("--from", help="The format; auto tells by the files.")] = "auto",
    images: Annotated[str, typer.Option(help="Image files: copy, link or none.")] = "copy",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many images, drawn with --seed.")] = None,
    min_area: Annotated[int, typer.Option(min=0, help="Smallest object, in square pixels of its mask.")] = 0,
    seed: Annotated[int, typer.Option(help="Of that draw.")] = 0,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Of the format written, as tolerance=1.")
    ] = None,
) -> None:
    """Write a data set in another format.

    Every image comes along, those of background too, and every category with
    its id. What a format cannot hold is counted, with the first places. An image
    that cannot be read or written costs itself; the exit code is 1 then.
    """
    from sampipe.data.convert import convert
    from sampipe.data.format import PLACING
    from sampipe.data.formats import FORMATS, WRITABLE, read_dataset
    from sampipe.errors import DataError

    if to not in WRITABLE or images not in PLACING:
        wrong, there = (to, WRITABLE) if to not in WRITABLE else (images, PLACING)
        raise DataError(f"got {wrong!r}; there are {', '.join(there)}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is there already; give a folder that is empty or not there")
    found = read_dataset(source, format)
    with _screen.progress_bar("converting") as advance:
        done = convert(
            found,
            target,
            to,
            images=images,
            min_area=min_area,
            limit=limit,
            seed=seed,
            options=_options(option or ()),
            progress=advance,
        )
    print(f"{done.objects} objects in {done.images} images, {target}")
    for line in done.report.lines():
        _screen.note(line)
    if FORMATS[to].cannot_hold:
        _screen.note(f"{to} cannot hold: {FORMATS[to].cannot_hold}")
    if done.failed:
        raise typer.Exit(FAILED)


@app.command()
def formats() -> None:
    """List the formats: what is read, what is written, and what is lost."""
    from sampipe.data.formats import FORMATS

    rows = [
        (one.name, one.title, "yes" if one.read else "", "yes" if one.writer else "", one.cannot_hold)
        for one in FORMATS.values()
    ]
    _screen.print_table(rows, columns=("name", "format", "reads", "writes", "cannot hold"), title="", right=())


def _options(words: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """``tolerance=1`` as a name and a JSON value, or text."""
    found: dict[str, Any] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator:
            raise typer.BadParameter(f"got {word!r}, wanted NAME=VALUE", param_hint="--option")
        try:
            found[name] = json_module.loads(value)
        except ValueError:
            found[name] = value
    return found
