"""The COCO folder: photos and ``instances.json`` (or ``.json.gz``), read into pictures with objects."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.types import RLE

_ANNOTATION_FILES = ("instances.json", "instances.json.gz")


@dataclass(frozen=True)
class GroundTruth:
    """One annotated object: its box (xyxy, half-open, pixels of the picture) and its mask."""

    id: int
    category: str
    xyxy: tuple[float, float, float, float]
    mask: RLE


@dataclass(frozen=True)
class Picture:
    """One image file and the objects annotated on it."""

    path: Path
    objects: tuple[GroundTruth, ...]


def read_coco(folder: str | Path, *, min_area: int = 0, limit: int | None = None, seed: int = 0) -> list[Picture]:
    """The pictures of a COCO folder that have objects of at least ``min_area`` px² of mask, in file order.

    Objects marked ``iscrowd`` are left out: their one box stands for many things.

    Args:
        folder: holds ``instances.json`` or ``instances.json.gz``, and the photos in ``images/`` or, without such a
            folder, beside it.
        min_area: smallest mask area in square pixels, counted on the mask itself.
        limit: at most so many pictures, drawn with ``seed``.
        seed: of that draw.

    Raises:
        DataError: the folder, its annotation file or one of its annotations is not what it should be.
    """
    file = annotation_file(Path(folder))
    document = read_document(file)
    categories = {row["id"]: str(row["name"]) for row in document_rows(document, "categories", file, ("id", "name"))}
    images = {row["id"]: row for row in document_rows(document, "images", file, ("id", "file_name", "height", "width"))}
    objects: dict[int, list[GroundTruth]] = {key: [] for key in images}
    for row in document_rows(document, "annotations", file, ("id", "image_id", "category_id")):
        if row.get("iscrowd") or not row.get("segmentation"):
            continue
        if row["image_id"] not in images:
            raise DataError(f"{file}: annotation {row['id']} belongs to image {row['image_id']}, which is not listed")
        found = _ground_truth(row, images[row["image_id"]], categories, file)
        if found.mask.area >= max(min_area, 1):
            objects[row["image_id"]].append(found)
    photos = photo_folder(file.parent)
    pictures = [Picture(photos / images[key]["file_name"], tuple(found)) for key, found in objects.items() if found]
    if not pictures:
        raise DataError(f"{file}: no annotated object of at least {min_area} px²")
    return _draw(pictures, limit, seed)


def photo_folder(folder: Path) -> Path:
    """Where the photos of a COCO folder are: in ``images/`` if there is one, else in the folder itself."""
    inner = folder / "images"
    return inner if inner.is_dir() else folder


def annotation_file(folder: Path) -> Path:
    """The file in a COCO folder that holds its annotations."""
    for name in _ANNOTATION_FILES:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"{folder}: not a COCO folder; wanted images/ and {' or '.join(_ANNOTATION_FILES)}"
        + ("" if folder.is_dir() else ", but there is no such folder")
    )


def read_document(file: Path) -> dict[str, Any]:
    """The JSON object in a file, compressed or not."""
    try:
        data = file.read_bytes()
        document = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)
    except (EOFError, OSError, UnicodeDecodeError, json.JSONDecodeError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"{file}: wanted a COCO object with images, annotations and categories")
    return document


def document_rows(document: Mapping[str, Any], name: str, file: Path, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """A list of the document whose entries all have these keys."""
    rows = document.get(name)
    if not isinstance(rows, list):
        raise DataError(f"{file}: no list {name!r}; wanted the COCO instances format")
    for index, row in enumerate(rows):
        missing = [key for key in keys if not isinstance(row, dict) or key not in row]
        if missing:
            raise DataError(f"{file}: {name}[{index}] lacks {', '.join(missing)}")
    return rows


def _ground_truth(
    row: Mapping[str, Any], image: Mapping[str, Any], categories: Mapping[int, str], file: Path
) -> GroundTruth:
    where = f"{file}: annotation {row['id']}"
    mask = segmentation_rle(row["segmentation"], (int(image["height"]), int(image["width"])), where)
    if "bbox" in row:
        x, y, width, height = (float(value) for value in row["bbox"])
        xyxy = (x, y, x + width, y + height)
    else:
        x1, y1, x2, y2 = (float(value) for value in mask.box)
        xyxy = (x1, y1, x2, y2)
    if not np.isfinite(xyxy).all():
        raise DataError(f"{where}: its box is {row['bbox']}; wanted four finite numbers")
    category = categories.get(row["category_id"], str(row["category_id"]))
    return GroundTruth(int(row["id"]), category, xyxy, mask)


def segmentation_rle(segmentation: Any, hw: tuple[int, int], where: str) -> RLE:
    """A COCO segmentation (polygons or RLE) on an image of (height, width); ``where`` is for the error message."""
    from pycocotools import mask as coco_mask

    if isinstance(segmentation, dict):
        mask = RLE.from_coco(segmentation)
        if mask.hw != hw:
            raise DataError(f"{where}: its mask is {mask.hw}, its image {hw} (height, width)")
        return mask
    if any(len(polygon) < 6 or len(polygon) % 2 for polygon in segmentation):
        raise DataError(f"{where}: a polygon needs three or more x, y pairs")
    merged = coco_mask.merge(coco_mask.frPyObjects(segmentation, *hw))
    return RLE(hw=hw, counts=merged["counts"])


def _draw(pictures: list[Picture], limit: int | None, seed: int) -> list[Picture]:
    if limit is None or limit >= len(pictures):
        return pictures
    if limit < 1:
        raise DataError(f"limit: got {limit}, wanted 1 or more pictures")
    chosen = np.random.default_rng(seed).choice(len(pictures), size=limit, replace=False)
    return [pictures[index] for index in sorted(chosen)]
