"""People with masks and attributes: a COCO folder with a table beside it, or MIAP on Open Images' masks."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.types import RLE
from sampipe.types.coco import GroundTruth, Picture, read_coco

MIAP_COLUMNS = ("GenderPresentation", "AgePresentation")
_LEAST_IOU = 0.5  # of a MIAP box with the box of a mask, to be the same person


@dataclass(frozen=True)
class People:
    """Pictures whose objects are people, and what is noted of each.

    Args:
        pictures: with at least one person each.
        attributes: by the object's id, which no other object has: a value for each column.
        columns: the names of the attributes.
    """

    pictures: tuple[Picture, ...]
    attributes: Mapping[int, Mapping[str, str]]
    columns: tuple[str, ...]


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
    rows = _read_csv(path, ("annotation",))
    columns = tuple(name for name in rows[0] if name != "annotation") if rows else ()
    if not columns:
        raise DataError(f"{path}: wanted rows with annotation and a column or more of attributes")
    known = {_whole(row["annotation"], path): {name: row[name] or "unknown" for name in columns} for row in rows}
    pictures = []
    for picture in read_coco(folder, min_area=min_area):
        found = tuple(one for one in picture.objects if one.id in known)
        if found:
            pictures.append(Picture(picture.path, found))
    if not pictures:
        raise DataError(f"{path}: none of its {len(known)} annotations is in {folder}")
    return People(tuple(pictures), known, columns)


def read_miap(folder: str | Path, *, min_area: int = 0) -> People:
    """People of MIAP ("More Inclusive Annotations for People", Schumann et al. 2021) with Open Images' masks.

    A MIAP box belongs to the mask of the same image whose box it overlaps most, by an IoU of 0.5 or more, each mask
    once. Groups, depictions and what is seen from inside are left out.

    Args:
        folder: holds ``*miap_boxes*.csv``, ``*annotations-object-segmentation.csv``, ``masks/`` (the PNG files that the
            latter names) and ``images/<ImageID>.jpg``.
        min_area: smallest mask in px² of the image.

    Raises:
        DataError: a file is missing or not what it should be, or no box has a mask.
    """
    folder = Path(folder)
    boxes = _by_image(_read_csv(_one(folder, "*miap_boxes*.csv"), ("ImageID", *_SIDES, *MIAP_COLUMNS)))
    masks_file = _one(folder, "*annotations-object-segmentation.csv")
    masks = _by_image(_read_csv(masks_file, ("MaskPath", "ImageID", *(f"Box{side}" for side in _SIDES))))
    pictures: list[Picture] = []
    attributes: dict[int, Mapping[str, str]] = {}
    for image, rows in boxes.items():
        photo = folder / "images" / f"{image}.jpg"
        if image not in masks or not photo.is_file():
            continue
        people = []
        for person, mask_row in _pairs([row for row in rows if _is_one_person(row)], masks[image]):
            mask = _read_mask(folder / "masks" / mask_row["MaskPath"], photo)
            if mask.area >= max(min_area, 1):
                key = len(attributes) + 1
                attributes[key] = {name: person[name] for name in MIAP_COLUMNS}
                x0, y0, x1, y1 = (float(value) for value in mask.box)
                people.append(GroundTruth(key, "person", (x0, y0, x1, y1), mask))
        if people:
            pictures.append(Picture(photo, tuple(people)))
    if not pictures:
        raise DataError(f"{folder}: no MIAP box of a photo that is here has a mask")
    return People(tuple(pictures), attributes, MIAP_COLUMNS)


_SIDES = ("XMin", "XMax", "YMin", "YMax")


class _Pair(NamedTuple):
    person: dict[str, str]
    mask: dict[str, str]


def _pairs(people: Sequence[dict[str, str]], masks: Sequence[dict[str, str]]) -> list[_Pair]:
    """Boxes and the masks that they belong to, those that overlap most first, in the order of ``people``."""
    if not people or not masks:
        return []
    ious = _box_ious(_boxes(people, ""), _boxes(masks, "Box"))
    found: dict[int, int] = {}
    for flat in np.argsort(-ious, axis=None, kind="stable"):
        person, mask = (int(index) for index in divmod(int(flat), len(masks)))
        if ious[person, mask] < _LEAST_IOU:
            break
        if person not in found and mask not in found.values():
            found[person] = mask
    return [_Pair(people[person], masks[mask]) for person, mask in sorted(found.items())]


def _boxes(rows: Sequence[Mapping[str, str]], prefix: str) -> np.ndarray:
    """(n, 4) x min, x max, y min, y max as shares of the image."""
    return np.array([[float(row[f"{prefix}{side}"]) for side in _SIDES] for row in rows])


def _box_ious(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    width = np.minimum(a[:, None, 1], b[None, :, 1]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 2], b[None, :, 2])
    shared = width.clip(0) * height.clip(0)
    area_a, area_b = ((one[:, 1] - one[:, 0]) * (one[:, 3] - one[:, 2]) for one in (a, b))
    union = area_a[:, None] + area_b[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _is_one_person(row: Mapping[str, str]) -> bool:
    return not any(row.get(flag) == "1" for flag in ("IsGroupOf", "IsDepictionOf", "IsInsideOf"))


def _read_mask(path: Path, photo: Path) -> RLE:
    """A mask at its photo's size: Open Images keeps them smaller or larger."""
    try:
        with Pillow.open(photo) as picture:
            size = picture.size
        with Pillow.open(path) as picture:
            pixels = np.asarray(picture.convert("L").resize(size, Pillow.Resampling.NEAREST))
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise DataError(f"{path} and {photo}: not readable pictures: {error}") from error
    return RLE.from_mask(pixels > 0)


def _by_image(rows: Iterable[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(row["ImageID"], []).append(row)
    return found


def _one(folder: Path, pattern: str) -> Path:
    files = sorted(folder.glob(pattern))
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} files {pattern}; wanted one")
    return files[0]


def _read_csv(path: Path, wanted: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path}: no column {', '.join(missing)}; there are {', '.join(reader.fieldnames or ())}"
                )
            return [{name: (value or "").strip() for name, value in row.items() if name} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}") from error


def _whole(text: str, path: Path) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise DataError(f"{path}: annotation {text!r} is not a number") from error
