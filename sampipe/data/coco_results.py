"""COCO's results: a JSON list of detections, each with its image, category, box or mask, and score."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sampipe._files import write_atomic
from sampipe.data.annotated import AnnotatedImage, Category, Id
from sampipe.data.categories import CategoryTable, declared_categories
from sampipe.data.coco import file_name
from sampipe.data.format import Format, Writer, identity
from sampipe.data.report import ReadReport
from sampipe.data.schema import ById, Row, read_json, refuse, unique
from sampipe.errors import DataError
from sampipe.types import Image


@dataclass(frozen=True)
class CocoRow:
    """One detection or annotated box; ``xyxy`` is half-open, in pixels. ``keypoints`` are x, y, visibility."""

    image_id: Id
    category_id: Id
    xyxy: tuple[float, float, float, float]
    score: float | None
    label: str = ""
    keypoints: tuple[float, ...] = ()
    crowd: bool = False


def read_results(
    path: Path, images: Collection[Id], categories: Mapping[Id, Category], report: ReadReport | None = None
) -> dict[str, list[CocoRow]]:
    """The detections by image id, as text; every row is checked.

    Args:
        path: the file.
        images: ids of the images that take part; detections on others are counted and left out.
        categories: that there are; none: any.
        report: gets the counts.

    Raises:
        DataError: it cannot be read, a row is not what it should be, or names a category that there is not.
    """
    document, report = read_json(path), ReadReport() if report is None else report
    if not isinstance(document, list):
        refuse(str(path), document, "a list of results with image_id, category_id, bbox and score")
    known = ById(categories.values(), lambda one: one.id)
    found: dict[str, list[CocoRow]] = {str(one): [] for one in images}
    for index, value in enumerate(document):
        row = Row(value, f"{path}: result {index}")
        row.number("score")
        _sort_in(row, found, known, report, "a result on an image that does not take part")
    return found


def read_rows(path: Path, results: Path | None, report: ReadReport) -> dict[str, list[CocoRow]]:
    """The boxes and key points of a COCO file by its images' names, crowds too.

    Args:
        path: instances, or key points, with ``images``, ``annotations`` and ``categories``.
        results: detections to take in place of the annotations.
        report: gets the counts, also of rows on images that are not listed.

    Raises:
        DataError: a file cannot be read, or one of its rows is not what it should be; names the row and the field.
    """
    document = Row(read_json(path), str(path))
    images = document.rows("images")
    names = {str(row.id("id")): file_name(row) for row in images}
    unique(((row.id("id"), row.place) for row in images), "an image")
    categories = declared_categories(document)
    if results is not None:
        by_id = read_results(results, list(names), {one.id: one for one in categories}, report)
    else:
        known, by_id = ById(categories, lambda one: one.id), {key: [] for key in names}
        for row in document.rows("annotations", optional=True):
            _sort_in(row, by_id, known, report, "an annotation of an image that is not listed")
    found: dict[str, list[CocoRow]] = {}
    for key, name in names.items():
        found.setdefault(name, []).extend(by_id[key])
    return found


def _sort_in(row: Row, found: dict[str, list[CocoRow]], known: ById[Category], report: ReadReport, reason: str) -> None:
    one = _row(row, known)
    if str(one.image_id) in found:
        found[str(one.image_id)].append(one)
        report.keep()
    else:
        report.leave_out(reason, row.place)


def _row(row: Row, known: ById[Category]) -> CocoRow:
    category_id = row.id("category_id")
    category = known.find(category_id)
    if known and category is None:
        raise DataError(f"{row.place} is of category {category_id!r}, which the data lack")
    points = tuple(row.numbers("keypoints")) if row.has("keypoints") else ()
    if len(points) % 3:
        refuse(f"{row.place}: keypoints", row.value["keypoints"], "x, y and visibility of each point")
    x, y, width, height = row.numbers("bbox", 4)
    if width < 0 or height < 0:
        refuse(f"{row.place}: bbox", row.value["bbox"], "x, y, width and height, not negative")
    return CocoRow(
        image_id=row.id("image_id"),
        category_id=category.id if category else category_id,
        xyxy=(x, y, x + width, y + height),
        score=row.optional_number("score"),
        label=category.name if category else str(category_id),
        keypoints=points,
        crowd=row.flag("iscrowd"),
    )


@dataclass(kw_only=True)
class CocoResultsWriter(Writer):
    """``results.json``: masks and boxes with their scores; objects without a score get 1.

    Image ids are those of the data set, else numbers from 1 as the images come.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._table = CategoryTable(self.categories)
        self._rows: dict[tuple[str, str, str], list[tuple[int, dict[str, Any]]]] = {}

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        rows = []
        for one in image.objects:
            x0, y0, x1, y1 = one.xyxy
            score = one.scores.get("score", one.scores.get("predicted_iou", 1.0))
            row = {"bbox": [x0, y0, x1 - x0, y1 - y0], "score": score, "segmentation": one.mask.to_coco()}
            rows.append((one, row))
        with self._lock:
            self._rows[identity(image)] = [(self._table.slot(one), row) for one, row in rows]
        return []

    def finish(self) -> list[Path]:
        path = self.folder / "results.json"
        with self._lock:
            ids = self._table.ids()
            document = [
                {"image_id": _number(key[2], number), "category_id": ids[slot], **row}
                for number, (key, rows) in enumerate(self._rows.items(), start=1)
                for slot, row in rows
            ]
        write_atomic(path, json.dumps(document, allow_nan=False).encode())
        return [path]


def _number(given: str, otherwise: int) -> int | str:
    return otherwise if given == "None" else int(given) if given.isdecimal() else given


FORMAT = Format(
    name="coco_results",
    title="COCO results",
    writer=CocoResultsWriter,
    index="results.json",
    cannot_hold="images without objects, names of categories",
    opened_by="pycocotools 2.0.11",
)
