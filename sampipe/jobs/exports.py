"""The rows of a job in the formats of :mod:`sampipe.data`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sampipe.data.annotated import AnnotatedImage, objects_of
from sampipe.data.convert import open_writer
from sampipe.data.format import Writer
from sampipe.data.names import name_of, path_of
from sampipe.data.report import ReadReport
from sampipe.errors import DataError
from sampipe.jobs.rows import masks_of_row
from sampipe.jobs.shards import read_rows


def write_rows(
    rows: Path,
    output: str,
    folder: Path,
    format: str,
    *,
    root: str = "",
    images: str = "none",
    fresh: bool = False,
    each: Callable[[str, list[Path]], object] = lambda path, files: None,
) -> tuple[list[Path], ReadReport]:
    """Write what :class:`~sampipe.nodes.SaveMasks` would, whatever the number of rows: they are read one by one.

    An image whose file is missing, or that the format cannot hold, is told of in the report and costs only itself.

    Args:
        rows: the folder of shards.
        output: which masks of them.
        folder: where the files go.
        format: by name.
        root: of the job, which the names of its images begin at.
        images: whether images are linked or copied into the folder.
        fresh: whether names of classes that the folder has are replaced, too.
        each: hears of every image's path and the files that are about it alone.

    Returns:
        The files about all images, and what was written and what was not.
    """
    writer = open_writer(format, folder, root=root, images=images, fresh=fresh, shorten=not root)
    for row in read_rows(rows, ["path", "name", "error", "height", "width", output]):
        if row["error"] is None:
            try:
                each(row["path"], _add(writer, row, output))
            except (DataError, OSError) as error:
                writer.report.note("image could not be written", str(error))
    return writer.finish(), writer.report


def _add(writer: Writer, row: Mapping[str, Any], output: str) -> list[Path]:
    hw = (row["height"], row["width"])
    objects = objects_of(masks_of_row(row, output))
    image = AnnotatedImage(path_of(row["path"]), objects, hw, name_of(row["path"], writer.root), row["path"])
    return writer.add(image, row["name"])
