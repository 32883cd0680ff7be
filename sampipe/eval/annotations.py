"""Annotations of COCO and of LVIS as their own evaluators want them: whole, with crowds and what is not annotated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from sampipe.errors import DataError
from sampipe.types import RLE, Image
from sampipe.types.coco import annotation_file, document_rows, photo_folder, read_document, segmentation_rle

FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}


@dataclass(frozen=True)
class AnnotatedImage:
    """One image and its annotations as the file has them; ``masks`` are those of ``truths``, in their order."""

    id: int
    path: Path
    hw: tuple[int, int]
    truths: tuple[dict[str, Any], ...]

    def open(self) -> Image:
        """The photo.

        Raises:
            DataError: it cannot be read, or is of another size than the annotations say.
        """
        image = Image.open(self.path)
        if image.hw != self.hw:
            raise DataError(f"{self.path}: the file is {image.hw}, its annotations {self.hw} (height, width)")
        return image

    def masks(self) -> list[RLE]:
        """The masks of ``truths``."""
        return [
            segmentation_rle(truth["segmentation"], self.hw, f"{self.path}: annotation {truth['id']}")
            for truth in self.truths
        ]


@dataclass(frozen=True)
class Annotations:
    """A COCO or LVIS document, cut down to the images that take part.

    Attributes:
        name: of the data, for the table.
        document: in the format of COCO, ids as in the file.
        images: in the file's order.
        federated: whether only some categories were looked for in each image (LVIS): ``neg_category_ids`` and
            ``not_exhaustive_category_ids`` say which.
    """

    name: str
    document: Mapping[str, Any]
    images: tuple[AnnotatedImage, ...]
    federated: bool

    @property
    def categories(self) -> Mapping[int, Mapping[str, Any]]:
        """The categories by id."""
        return {row["id"]: row for row in self.document["categories"]}

    def digest(self) -> str:
        """Of the annotations that take part."""
        return hashlib.blake2b(json.dumps(self.document, sort_keys=True).encode(), digest_size=16).hexdigest()


def read_annotations(
    folder: str | Path, *, annotations: Path | None = None, limit: int | None = None, seed: int = 0
) -> Annotations:
    """The images of a COCO or LVIS folder, also those without any object.

    Args:
        folder: holds the photos, in ``images/`` or itself, and ``instances.json`` or ``instances.json.gz``.
        annotations: another annotation file, such as ``lvis_v1_val.json``.
        limit: at most so many images, drawn with ``seed``.
        seed: of that draw.

    Raises:
        DataError: a file is missing, or not what it should be.
    """
    folder = Path(folder)
    file = annotations or annotation_file(folder)
    document = read_document(file)
    rows = document_rows(document, "images", file, ("id", "height", "width"))
    chosen = _drawn(rows, limit, seed)
    ids = {row["id"] for row in chosen}
    truths: dict[int, list[dict[str, Any]]] = {key: [] for key in ids}
    for row in document_rows(document, "annotations", file, ("id", "image_id", "category_id", "segmentation")):
        if row["image_id"] in ids:
            truths[row["image_id"]].append(row)
    if not any(truths.values()):
        raise DataError(f"{file}: nothing is annotated in the {len(chosen)} images that take part")
    images = tuple(
        _with_defaults(
            AnnotatedImage(
                row["id"], _photo(folder, row, file), (row["height"], row["width"]), tuple(truths[row["id"]])
            )
        )
        for row in chosen
    )
    cut_down = {
        "images": chosen,
        "annotations": [truth for image in images for truth in image.truths],
        "categories": document_rows(document, "categories", file, ("id", "name")),
    }
    federated = all("neg_category_ids" in row for row in chosen)
    return Annotations(folder.resolve().name, cut_down, images, federated)


def _with_defaults(image: AnnotatedImage) -> AnnotatedImage:
    """What evaluators want of each annotation and files may leave out: ``iscrowd``, ``area``, ``bbox``."""
    for truth, mask in zip(image.truths, image.masks(), strict=True):
        x0, y0, x1, y1 = (float(value) for value in mask.box)
        truth.setdefault("iscrowd", 0)
        truth.setdefault("area", mask.area)
        truth.setdefault("bbox", [x0, y0, x1 - x0, y1 - y0])
    return image


def _drawn(rows: Sequence[dict[str, Any]], limit: int | None, seed: int) -> list[dict[str, Any]]:
    if limit is None or limit >= len(rows):
        return list(rows)
    return [rows[index] for index in sorted(np.random.default_rng(seed).choice(len(rows), size=limit, replace=False))]


def _photo(folder: Path, row: Mapping[str, Any], file: Path) -> Path:
    """By ``file_name``, or as in LVIS by the end of ``coco_url``: its last part, or with the folder before."""
    base = photo_folder(folder)
    if "file_name" in row:
        return base / str(row["file_name"])
    if "coco_url" not in row:
        raise DataError(f"{file}: image {row['id']} has neither file_name nor coco_url")
    parts = Path(urlsplit(str(row["coco_url"])).path).parts
    places = [base / parts[-1], base / Path(*parts[-2:]), folder / Path(*parts[-2:])]
    return next((place for place in places if place.is_file()), places[0])
