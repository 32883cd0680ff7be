"""The SA-1B layout: one JSON file an image beside the image, masks as COCO RLE, no categories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.types.coco import GroundTruth, Picture
from sampipe.types.rle import RLE

CATEGORY = "object"
"""What every SA-1B mask is called: the data set has no classes."""


def read_sa1b(folder: str | Path, *, min_area: int = 0, limit: int | None = None, seed: int = 0) -> list[Picture]:
    """The pictures of a folder in SA-1B's layout that have masks of at least ``min_area`` px², by file name.

    With ``limit`` only the drawn files are opened, so a sample of a huge folder costs the listing and no more.
    For all of one, use :func:`iter_sa1b`, which holds one picture at a time.

    Args:
        folder: holds ``sa_1.json`` beside ``sa_1.jpg``, directly or in folders below (``sa_000000/``).
        min_area: smallest mask area in square pixels, counted on the mask itself.
        limit: at most so many pictures, drawn with ``seed``.
        seed: of that draw.

    Raises:
        DataError: the folder or one of its files is not what it should be, or no mask is large enough.
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit: got {limit}, wanted 1 or more pictures")
    files = sa1b_files(folder)
    found: list[tuple[int, Picture]] = []
    for index in np.random.default_rng(seed).permutation(len(files)):
        picture = read_sa1b_file(files[index], min_area=min_area)
        if picture.objects:
            found.append((int(index), picture))
        if len(found) == limit:
            break
    if not found:
        raise DataError(f"{folder}: no mask of at least {min_area} px²")
    return [picture for _, picture in sorted(found, key=lambda one: one[0])]


def iter_sa1b(folder: str | Path, *, min_area: int = 0) -> Iterator[Picture]:
    """The same pictures one after the other, by file name; only one is in memory at a time.

    Raises:
        DataError: the folder or one of its files is not what it should be.
    """
    for file in sa1b_files(folder):
        picture = read_sa1b_file(file, min_area=min_area)
        if picture.objects:
            yield picture


def sa1b_files(folder: str | Path) -> list[Path]:
    """The annotation files of a folder in SA-1B's layout, by name; none is opened.

    Raises:
        DataError: there is none.
    """
    files = sorted(path for path in Path(folder).rglob("*.json") if not path.name.startswith("."))
    if not files:
        there = "holds no .json file" if Path(folder).is_dir() else "is no folder"
        raise DataError(f"{folder} {there}; wanted SA-1B's layout, sa_1.json beside sa_1.jpg")
    return files


def read_sa1b_file(file: str | Path, *, min_area: int = 0) -> Picture:
    """One picture from its annotation file; without objects where none is large enough.

    Raises:
        DataError: the file is not in SA-1B's format, or a mask is not of the image's size.
    """
    path = Path(file)
    document = _read(path)
    image, rows = document.get("image"), document.get("annotations")
    if not isinstance(image, dict) or not isinstance(rows, list) or not {"file_name", "width", "height"} <= set(image):
        raise DataError(
            f"{path}: not SA-1B's format; wanted an image with file_name, width and height, and a list of annotations"
        )
    hw = int(image["height"]), int(image["width"])
    objects = [_ground_truth(row, number, hw, path) for number, row in enumerate(rows)]
    large = tuple(one for one in objects if one.mask.area >= max(min_area, 1))
    return Picture(path.parent / str(image["file_name"]), large)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"{path}: not SA-1B's format; wanted an object with image and annotations")
    return document


def _ground_truth(row: Any, number: int, hw: tuple[int, int], path: Path) -> GroundTruth:
    if not isinstance(row, dict) or not isinstance(row.get("segmentation"), dict):
        raise DataError(f"{path}: annotations[{number}] has no run-length segmentation")
    try:
        mask = RLE.from_coco(row["segmentation"])
    except DataError as error:
        raise DataError(f"{path}: annotations[{number}]: {error}") from error
    if mask.hw != hw:
        raise DataError(f"{path}: annotations[{number}] is a mask of {mask.hw}, its image {hw} (height, width)")
    x0, y0, x1, y1 = (float(value) for value in mask.box)
    return GroundTruth(int(row.get("id", number)), CATEGORY, (x0, y0, x1, y1), mask)
