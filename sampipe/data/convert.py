"""A data set written in another format."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from sampipe.data.annotated import AnnotatedImage, Dataset
from sampipe.data.format import Writer
from sampipe.data.formats import FORMATS, WRITABLE, drawn
from sampipe.data.report import ReadReport
from sampipe.errors import DataError


@dataclass(frozen=True)
class Converted:
    """What was written, and what was left out on the way; ``failed`` images could not be read or written."""

    images: int
    objects: int
    failed: int
    report: ReadReport


def open_writer(name: str, folder: Path, options: Mapping[str, Any] | None = None, **common: Any) -> Writer:
    """The writer of a format.

    Args:
        name: of the format.
        folder: that is written.
        options: of this format.
        common: what all writers know, see :class:`~sampipe.data.format.Writer`.

    Raises:
        DataError: no such format, or an option that it does not have or that is of another kind.
    """
    known = FORMATS.get(name)
    if known is None or known.writer is None:
        raise DataError(f"format: got {name!r}; there are {', '.join(WRITABLE)}")
    base = {one.name for one in dataclasses.fields(Writer)}
    own = [one.name for one in dataclasses.fields(known.writer) if one.name not in base]
    checked = {}
    hints = get_type_hints(known.writer, include_extras=True)
    for option, value in (options or {}).items():
        if option not in own:
            raise DataError(f"{name} has no option {option!r}; it has {', '.join(own) or 'none'}")
        try:
            checked[option] = TypeAdapter(hints[option]).validate_python(value)
        except ValidationError as error:
            wrong = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise DataError(f"{name}: option {option}: got {value!r}. {wrong}") from error
    return known.writer(folder=folder, **common, **checked)


def convert(
    data: Dataset,
    target: Path,
    to: str = "coco",
    *,
    images: str = "copy",
    min_area: int = 0,
    limit: int | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Converted:
    """Write every image with its objects, also those of background, and every declared category with its id.

    Args:
        data: what is read.
        target: the folder that is written.
        to: the format.
        images: "copy", "link" or "none".
        min_area: objects with a smaller mask are left out, and counted.
        limit: at most so many images, drawn with ``seed``.
        seed: of that draw.
        options: of the format.
        progress: told (images done, images in all).

    An image that cannot be read or written (its file is missing or damaged, or the target cannot hold what is on it)
    is counted in the report and costs only itself.

    Raises:
        DataError: none of the images could be converted.
    """
    if to == "coco":  # as data sets name it; `annotations.json` is beside what else a job saves
        options = {"file": "instances.json", **(options or {})}
    writer = open_writer(to, target, options, images=images, categories=data.categories, extra=data.extra)
    failed: list[Exception] = []
    chosen = drawn(len(data.images), limit, seed)
    for done, index in enumerate(chosen, start=1):
        try:
            with data.report.whole():
                image = _large(data.images[index](), min_area, data.report)
                if image.id is None:  # two of one name are two
                    image = replace(image, id=done)
                if image.path.is_file():
                    image.check_size()
            writer.add(image)
        except (DataError, OSError) as error:  # costs this image
            data.report.note("image could not be converted", str(error))
            failed.append(error)
        progress(done, len(chosen))
    if len(failed) == len(chosen):
        raise failed[0]
    writer.finish()
    lost = writer.report
    data.report.kept += lost.kept - lost.read
    data.report.tell(lost)
    return Converted(lost.images, lost.kept, len(failed), data.report)


def _large(image: AnnotatedImage, least: int, report: ReadReport) -> AnnotatedImage:
    """The image with its objects of at least so many pixels; the others are counted."""
    small = [one for one in image.objects if one.mask.area < least]
    for one in small:
        report.drop(f"a mask below {least} px²", f"{image.name}: object {one.id}")
    return image.with_objects([one for one in image.objects if one.mask.area >= least]) if small else image
