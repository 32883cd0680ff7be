"""People with masks and attributes: a COCO folder with a table beside it, or MIAP on Open Images' masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sampipe.data import miap
from sampipe.data.annotated import AnnotatedImage
from sampipe.data.formats import read_images
from sampipe.data.report import ReadReport
from sampipe.data.schema import read_table
from sampipe.errors import DataError


@dataclass(frozen=True)
class People:
    """Images whose objects are people, and what is noted of each.

    Args:
        images: with at least one person each.
        attributes: by the object's id, which no other object has: a value for each column.
        columns: the names of the attributes.
        report: what was read, and what was left out.
    """

    images: tuple[AnnotatedImage, ...]
    attributes: Mapping[int, Mapping[str, str]]
    columns: tuple[str, ...]
    report: ReadReport = field(default_factory=ReadReport)


def read_people(folder: str | Path, attributes: str | Path, *, min_area: int = 0) -> People:
    """The annotated objects of a COCO folder that a CSV file has attributes of.

    Args:
        folder: a COCO folder.
        attributes: CSV with a head line: ``annotation`` (the annotation's id), and a column an attribute. An empty
            cell is unknown.
        min_area: smallest mask in px².

    Raises:
        DataError: a file cannot be read, or nobody is in both.
    """
    path = Path(attributes)
    names, rows = read_table(path, ("annotation",))
    columns = tuple(name for name in names if name != "annotation")
    if not (columns and rows):
        raise DataError(f"{path}: wanted rows with annotation and a column or more of attributes")
    known = {
        row.whole("annotation", least=0, most=2**62): {name: row.value[name] or "unknown" for name in columns}
        for row in rows
    }
    images, report = [], ReadReport()
    for image in read_images(folder, min_area=min_area, report=report):
        found = tuple(one for one in image.objects if one.id in known)
        for one in image.objects:
            if one.id not in known:
                report.drop("an object without attributes", f"{image.name}: object {one.id}")
        if found:
            images.append(AnnotatedImage(image.path, found))
    if not images:
        raise DataError(f"{path}: none of its {len(known)} annotations is in {folder}")
    return People(tuple(images), known, columns, report)


def read_miap(folder: str | Path, *, min_area: int = 0) -> People:
    """The people of a folder in MIAP's layout, see :func:`sampipe.data.miap.read`.

    Args:
        folder: of the data set.
        min_area: smallest mask in px² of the image.

    Raises:
        DataError: a file is missing or not what it should be, or no box has a mask.
    """
    report = ReadReport()
    images = read_images(folder, "miap", min_area=min_area, report=report)
    rows = {miap.line_of(row): row.value for row in miap.box_rows(Path(folder))}
    attributes = {
        int(one.id): {name: rows[int(one.id)][name] or "unknown" for name in miap.COLUMNS}
        for image in images
        for one in image.objects
    }
    return People(tuple(images), attributes, miap.COLUMNS, report)
