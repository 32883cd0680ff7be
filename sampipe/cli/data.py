"""``sampipe data``: work on data sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli import _screen

app = typer.Typer(no_args_is_help=True, help="Work on data sets.")


@app.callback()
def data() -> None:
    """Work on data sets."""


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="The data set's folder.")],
    target: Annotated[Path, typer.Argument(metavar="NEW", help="The folder that is written; empty or not there.")],
    to: Annotated[str, typer.Option(help="coco, sa1b or yolo.")] = "coco",
    kind: Annotated[
        str, typer.Option("--from", help="coco, lvis, sa1b, bsds, davis, voc, yolo; auto tells by the files.")
    ] = "auto",
    photos: Annotated[str, typer.Option(help="copy, link or none.")] = "copy",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many pictures, drawn with --seed.")] = None,
    min_area: Annotated[int, typer.Option(min=0, help="Smallest object, in square pixels of its mask.")] = 0,
    seed: Annotated[int, typer.Option(help="Of that draw.")] = 0,
) -> None:
    """Write a data set of masks in another layout.

    Masks stay exactly as they are in COCO and SA-1B files, and become one outline each in YOLO's.
    """
    from sampipe.errors import DataError
    from sampipe.eval.convert import PHOTOS, WRITERS
    from sampipe.eval.readers.pictures import drawn, list_pictures
    from sampipe.types.coco import Picture

    if to not in WRITERS or photos not in PHOTOS:
        wrong, there = (to, WRITERS) if to not in WRITERS else (photos, PHOTOS)
        raise DataError(f"got {wrong!r}; there are {', '.join(there)}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is there already; give a folder that is empty or not there")
    readers = list_pictures(source, kind)
    chosen = drawn(len(readers), limit, seed)
    with _screen.progress_bar("converting") as advance:

        def pictures() -> Iterator[Picture]:
            for done, index in enumerate(chosen, start=1):
                picture = readers[index]()
                objects = tuple(one for one in picture.objects if one.mask.area >= max(min_area, 1))
                yield Picture(picture.path, objects)
                advance(done, len(chosen))

        written = WRITERS[to](pictures(), target, photos=photos)
    print(f"{written.objects} objects in {written.pictures} pictures, {target}")
