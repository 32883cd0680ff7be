"""MIAP ("More Inclusive Annotations for People", Schumann et al. 2021): people of Open Images, with attributes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from sampipe.data.annotated import AnnotatedImage, Dataset, GroundTruth, Reads
from sampipe.data.format import Format
from sampipe.data.label_png import read_numbers
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row, read_table
from sampipe.errors import DataError
from sampipe.types import RLE
from sampipe.types.image import image_hw

COLUMNS = ("GenderPresentation", "AgePresentation")
_BOXES, _MASKS = "*miap_boxes*.csv", "*annotations-object-segmentation.csv"
_SIDES = ("XMin", "XMax", "YMin", "YMax")
_FLAGS = ("IsGroupOf", "IsDepictionOf", "IsInsideOf")
_LEAST_IOU = 0.5  # of a MIAP box with the box of a mask, to be the same person


def read(folder: Path) -> Dataset:
    """The people of MIAP with Open Images' masks.

    A MIAP box belongs to the mask of the same image whose box it overlaps most, by an IoU of 0.5 or more, each mask
    once. Groups, depictions and what is seen from inside are left out. An object's id is its line in the table.

    Args:
        folder: holds ``*miap_boxes*.csv``, ``*annotations-object-segmentation.csv``, ``masks/`` (the PNG files that the
            latter names) and ``images/<ImageID>.jpg``.

    Raises:
        DataError: a file is missing, or a line is not what it should be. Masks are read with their image.
    """
    report = ReadReport()
    boxes = _by_image(box_rows(folder))
    masks = _by_image(read_table(_one(folder, _MASKS), ("MaskPath", "ImageID", *(f"Box{side}" for side in _SIDES)))[1])
    readers: list[Reads] = []
    for name, rows in boxes.items():
        if (folder / "images" / f"{name}.jpg").is_file():
            readers.append(partial(_read_image, folder, name, rows, masks.get(name, []), report))
        else:
            report.note("image file is not there", f"{name}.jpg")
    return Dataset(folder, "miap", readers, (), report)


def box_rows(folder: Path) -> list[Row]:
    """The lines of the table of boxes.

    Raises:
        DataError: there is no such table, or several, or columns are missing.
    """
    return read_table(_one(folder, _BOXES), ("ImageID", *_SIDES, *COLUMNS))[1]


def line_of(row: Row) -> int:
    """The line of a table that a row is."""
    return int(row.place.rpartition(" ")[2])


def _read_image(folder: Path, name: str, rows: list[Row], masks: list[Row], report: ReadReport) -> AnnotatedImage:
    image = folder / "images" / f"{name}.jpg"
    hw = image_hw(image)
    people = [row for row in rows if not any(row.value.get(flag) == "1" for flag in _FLAGS)]
    found, objects = _pairs(people, masks), []
    for row in rows:
        if line_of(row) in found:
            mask = _read_mask(folder / "masks" / found[line_of(row)].text("MaskPath"), hw)
            objects.append(GroundTruth.of_mask(line_of(row), "person", mask))
        else:
            report.leave_out("a box without a mask" if row in people else "a group or depiction", row.place)
    report.images += 1
    report.keep(len(objects))
    return AnnotatedImage(image, tuple(objects), hw, image.name)


def _pairs(people: Sequence[Row], masks: Sequence[Row]) -> dict[int, Row]:
    """The mask that each box belongs to, by the box's line; those that overlap most are paired first."""
    if not people or not masks:
        return {}
    ious = _box_ious(_boxes(people, ""), _boxes(masks, "Box"))
    found: dict[int, int] = {}
    for flat in np.argsort(-ious, axis=None, kind="stable"):
        person, mask = (int(index) for index in divmod(int(flat), len(masks)))
        if ious[person, mask] < _LEAST_IOU:
            break
        if person not in found and mask not in found.values():
            found[person] = mask
    return {line_of(people[person]): masks[mask] for person, mask in found.items()}


def _boxes(rows: Sequence[Row], prefix: str) -> np.ndarray:
    """(n, 4) x min, x max, y min, y max as shares of the image."""
    return np.array([[row.number(f"{prefix}{side}", least=-2, most=2) for side in _SIDES] for row in rows])


def _box_ious(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    width = np.minimum(a[:, None, 1], b[None, :, 1]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 2], b[None, :, 2])
    shared = width.clip(0) * height.clip(0)
    area_a, area_b = ((one[:, 1] - one[:, 0]) * (one[:, 3] - one[:, 2]) for one in (a, b))
    union = area_a[:, None] + area_b[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _read_mask(path: Path, hw: tuple[int, int]) -> RLE:
    """A mask at its image's size: Open Images keeps them smaller or larger."""
    inside = Pillow.fromarray(read_numbers(path) > 0).resize(hw[::-1], Pillow.Resampling.NEAREST)
    return RLE.from_mask(np.asarray(inside))


def _by_image(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.text("ImageID"), []).append(row)
    return found


def _one(folder: Path, pattern: str) -> Path:
    files = sorted(folder.glob(pattern))
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} files {pattern}; wanted one")
    return files[0]


def _recognize(folder: Path) -> bool:
    return any(folder.glob(_BOXES)) and any(folder.glob(_MASKS))


FORMAT = Format(
    name="miap",
    title="MIAP on Open Images' masks",
    read=read,
    recognize=_recognize,
)
