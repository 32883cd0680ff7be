"""A CSV table of boxes: one line an object."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from sampipe.data.annotated import NAMELESS, AnnotatedImage, Dataset, GroundTruth, Id
from sampipe.data.format import Format, IndexWriter, InFolder
from sampipe.data.names import Places, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import LARGEST_COORDINATE, Row, read_table, segmentation_rle, upright
from sampipe.errors import DataError
from sampipe.types import Image
from sampipe.types.image import image_hw

BOXES: dict[str, tuple[str, ...]] = {
    "xyxy": ("x0", "y0", "x1", "y1"),
    "xywh": ("x", "y", "width", "height"),
    "cxcywh": ("cx", "cy", "width", "height"),
}
_OTHER_NAMES = {
    "x0": ("xmin", "left", "x_min"), "y0": ("ymin", "top", "y_min"),
    "x1": ("xmax", "right", "x_max"), "y1": ("ymax", "bottom", "y_max"),
    "width": ("w",), "height": ("h",), "cx": ("x_center",), "cy": ("y_center",),
    "image": ("file_name", "filename", "path", "image_path", "file"),
    "label": ("class", "class_name", "name", "category"), "class_id": ("category_id",),
    "score": ("confidence", "conf"),
}  # fmt: skip
_FORMULA = "=+-@\t\r"
_OPTIONAL = ("label", "class_id", "score")


@dataclass(frozen=True)
class BoxRow:
    """One line: ``xyxy`` as the file's numbers say, in pixels or shares."""

    xyxy: tuple[float, float, float, float]
    label: str
    class_id: Id | None
    score: float | None
    place: str


def read_rows(
    file: Path, *, box: str = "xyxy", delimiter: str = ",", report: ReadReport | None = None
) -> dict[str, list[BoxRow]]:
    """The lines by image, every one checked. The first line names the columns, in any order and case.

    Args:
        file: UTF-8, with or without a byte order mark.
        box: which columns a box has: one of :data:`BOXES`.
        delimiter: between columns.
        report: hears of other columns.

    Raises:
        DataError: it cannot be read, columns are missing, or a line is not what it should be; names line and column.
    """
    names, lines = read_table(file, delimiter=delimiter)
    columns = _columns(names, BOXES[box], file)
    others = [name for name in names if name and name not in columns.values()]
    if others and report is not None:
        report.note(f"images come with {', '.join(others)}, columns that are not read", str(file))
    found: dict[str, list[BoxRow]] = {}
    for line in lines:
        row = Row({ours: line.value[theirs] for ours, theirs in columns.items()}, line.place)
        found.setdefault(row.text("image"), []).append(_row(row, box))
    return found


def _row(row: Row, box: str) -> BoxRow:
    most = LARGEST_COORDINATE
    a, b, c, d = (row.number(name, least=-most, most=most) for name in BOXES[box])
    if box == "cxcywh":
        a, b = a - c / 2, b - d / 2
    x1, y1 = (c, d) if box == "xyxy" else (a + c, b + d)
    class_id = _class_id(row) if row.has("class_id") else None
    label = row.text("label") if row.has("label") else ""
    return BoxRow((a, b, x1, y1), label, class_id, row.optional_number("score"), row.place)


def _class_id(row: Row) -> Id | None:
    """A whole number, or text that is none at all; -1 is how detectors say that they do not know."""
    text = row.text("class_id")
    try:
        float(text)
    except ValueError:
        return text
    found = int(text) if re.fullmatch(r"[-+]?\d{1,40}", text) else row.whole("class_id", least=-(10**15), most=10**15)
    return None if found == -1 else found


def _columns(header: Sequence[str], box: Sequence[str], file: Path) -> dict[str, str]:
    """Our name of each column to the file's."""
    by_name = {name.lower(): name for name in header}
    found = {}
    for name in ("image", *box, *_OPTIONAL):
        for candidate in (name, *_OTHER_NAMES.get(name, ())):
            if candidate in by_name:
                found[name] = by_name[candidate]
                break
    missing = [name for name in ("image", *box) if name not in found]
    if missing:
        there = f"its first line names {', '.join(header) or 'none'}{_hint(by_name)}"
        raise DataError(f"{file}: no column {', '.join(missing)}; {there}")
    return found


def _hint(header: Iterable[str]) -> str:
    """What may be meant: another delimiter, or another way to write boxes."""
    names = set(header)
    delimiter = next((sign for sign in ";\t|" for name in names if sign in name), None)
    if delimiter is not None:
        return f". Columns seem to be apart by {delimiter!r}: give CsvBoxes(delimiter={delimiter!r})"
    others = {one: [{name, *_OTHER_NAMES.get(name, ())} for name in columns] for one, columns in BOXES.items()}
    meant = next((one for one, columns in others.items() if all(names & column for column in columns)), None)
    return f". Boxes seem to be {meant}: give CsvBoxes(box={meant!r})" if meant else ""


def read(folder: Path) -> Dataset:
    """``boxes.csv`` and its images, in ``images/`` or beside it.

    Raises:
        DataError: no such file, or a line is not what it should be.
    """
    report = ReadReport()
    places = Places.of(folder)
    rows = read_rows(folder / "boxes.csv", report=report)
    readers = [partial(_read_image, name, lines, places, folder, report) for name, lines in rows.items()]
    return Dataset(folder, "csv", readers, (), report)


def _read_image(name: str, rows: list[BoxRow], places: Places, folder: Path, report: ReadReport) -> AnnotatedImage:
    path = places.find(name)
    if path is None:
        raise DataError(f"{folder / 'boxes.csv'}: the image {name} is not there, so its size is not known")
    hw, objects = image_hw(path), []
    for number, row in enumerate(rows, start=1):
        x0, y0, x1, y1 = upright(row.xyxy, row.place)
        mask = segmentation_rle([[x0, y0, x1, y0, x1, y1, x0, y1]], hw, row.place)
        scores = {} if row.score is None else {"score": row.score}
        label = row.label or (NAMELESS if row.class_id is None else f"class {row.class_id}")
        objects.append(GroundTruth(number, label, row.xyxy, mask, row.class_id, box_only=True, scores=scores))
    report.images += 1
    report.keep(len(objects))
    return AnnotatedImage(path, tuple(objects), hw, plain(name))


@dataclass(kw_only=True)
class CsvWriter(IndexWriter):
    """``boxes.csv``: image, x0, y0, x1, y1, label, class_id, score; UTF-8 with a mark, as spreadsheets want it."""

    file: InFolder = "boxes.csv"
    holds_boxes: ClassVar[bool] = True

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        if not image.objects:
            self.report.note("image without objects, which a table of boxes cannot hold", image.name)
        if any(text[:1] in _FORMULA for text in (image.name, *(one.category for one in image.objects)) if text):
            self.report.note("image has a name or label that a spreadsheet takes for a formula", image.name)
        return super().write(image, stem, pixels)

    def label(self, name: str) -> str:
        return super().label(name).strip()  # as readers of tables do with cells

    def write_index(self, path: Path, images: Sequence[tuple[str, AnnotatedImage]]) -> None:
        with path.open("w", newline="", encoding="utf-8-sig") as opened:
            writer = csv.writer(opened, lineterminator="\r\n")
            writer.writerow(["image", *BOXES["xyxy"], *_OPTIONAL])
            for name, image in images:
                for one in image.objects:
                    class_id = "" if one.category_id is None else one.category_id
                    known = one.scores.get("score", one.scores.get("predicted_iou"))
                    score = "" if known is None else round(known, 6)
                    writer.writerow([name, *one.xyxy, one.category, class_id, score])


def _recognize(folder: Path) -> bool:
    return (folder / "boxes.csv").is_file()


FORMAT = Format(
    name="csv",
    title="CSV of boxes",
    read=read,
    recognize=_recognize,
    writer=CsvWriter,
    index="boxes.csv",
    cannot_hold="masks, images without objects, crowds",
    opened_by="csv (Excel's dialect)",
)
