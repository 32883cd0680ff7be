"""Annotations as evaluators want them: whole, with crowds, images of background and what was not looked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sampipe.data import coco
from sampipe.data.annotated import AnnotatedImage, Category, GroundTruth, Id
from sampipe.data.categories import CategoryTable, id_order
from sampipe.data.formats import drawn, read_dataset
from sampipe.data.report import ReadReport
from sampipe.data.schema import ById
from sampipe.errors import DataError

FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}
_LISTS = ("neg_category_ids", "not_exhaustive_category_ids")


@dataclass(frozen=True)
class Annotations:
    """The images of a data set that take part in a measurement, with their objects.

    Attributes:
        name: of the data, for the table.
        images: in the file's order; every object has a ``category_id`` of ``categories``.
        categories: by id.
        federated: whether only some categories were looked for in each image (LVIS): ``neg_category_ids`` and
            ``not_exhaustive_category_ids`` of the images' ``extra`` say which.
        report: what was read and what was left out.
    """

    name: str
    images: tuple[AnnotatedImage, ...]
    categories: Mapping[Id, Category]
    federated: bool
    report: ReadReport

    @property
    def objects(self) -> int:
        """How many objects there are, crowds included."""
        return sum(len(image.objects) for image in self.images)

    def digest(self) -> str:
        """Of the annotations that take part."""
        return hashlib.blake2b(json.dumps(self.private(), sort_keys=True).encode(), digest_size=16).hexdigest()

    def private(self) -> dict[str, Any]:
        """A COCO document for an evaluator: images, categories and annotations numbered from 1, whatever their ids.

        Evaluators take an annotation with the id 0 for none, and mix up ids that repeat.
        """
        categories = self.private_categories()
        images = [
            {"id": number, "file_name": image.name, "height": image.hw[0], "width": image.hw[1]}
            | {key: [categories[str(one)] for one in image.extra.get(key, ())] for key in _LISTS if self.federated}
            for number, image in enumerate(self.images, start=1)
        ]
        rows: list[dict[str, Any]] = []
        for number, image in enumerate(self.images, start=1):
            rows += [
                coco.annotation(replace(one, extra={}), len(rows) + k, number, categories[str(one.category_id)])
                for k, one in enumerate(image.objects, start=1)
            ]
        named = [{**one.extra, "id": categories[str(key)], "name": one.name} for key, one in self.categories.items()]
        return {"images": images, "annotations": rows, "categories": named}

    def private_images(self) -> dict[str, int]:
        """The number in :meth:`private` of each image id."""
        return {str(image.id): number for number, image in enumerate(self.images, start=1)}

    def private_categories(self) -> dict[str, int]:
        """The number in :meth:`private` of each category id."""
        return {str(key): number for number, key in enumerate(self.categories, start=1)}


def read_annotations(
    folder: str | Path, *, annotations: Path | None = None, limit: int | None = None, seed: int = 0
) -> Annotations:
    """The images of a data set in any format with masks, also those without any object.

    Args:
        folder: of the data set.
        annotations: a COCO or LVIS file in place of the folder's own, such as ``lvis_v1_val.json``.
        limit: at most so many images, drawn with ``seed``.
        seed: of that draw.

    Raises:
        DataError: a file is missing, or not what it should be, or nothing is annotated.
    """
    folder = Path(folder)
    data = coco.read_file(annotations, folder) if annotations else read_dataset(folder)
    images = [data.images[index]() for index in drawn(len(data.images), limit, seed)]
    if not any(image.objects for image in images):
        raise DataError(f"{annotations or folder}: nothing is annotated in the {len(images)} images that take part")
    categories = data.categories or _named(images)
    by_id, by_name = ById(categories, lambda one: one.id), {one.name: one for one in reversed(categories)}
    numbered = [
        replace(image, id=number if image.id is None else image.id, objects=_known(image.objects, by_id, by_name))
        for number, image in enumerate(images, start=1)
    ]
    federated = bool(images) and all("neg_category_ids" in image.extra for image in images)
    found = {one.id: one for one in categories}
    return Annotations(folder.resolve().name, tuple(numbered), found, federated, data.report)


def class_names(folder: str | Path) -> list[str]:
    """The names of a data set's categories in the order of their ids; where it declares none, those of its objects.

    Raises:
        DataError: a file is missing, or not what it should be.
    """
    data = read_dataset(folder)
    categories = data.categories or _named([reads() for reads in data.images])
    return [one.name for one in sorted(categories, key=lambda one: id_order(one.id))]


def _named(images: Sequence[AnnotatedImage]) -> tuple[Category, ...]:
    """Categories of data that declare none: the names, numbered where they have no ids."""
    table = CategoryTable()
    for image in images:
        for one in image.objects:
            table.slot(one)
    return tuple(Category(row["id"], row["name"]) for row in table.rows(table.ids()))


def _known(
    objects: Sequence[GroundTruth], by_id: ById[Category], by_name: Mapping[str, Category]
) -> tuple[GroundTruth, ...]:
    """The objects with ids of categories that there are."""

    def category(one: GroundTruth) -> Id:
        found = None if one.category_id is None else by_id.find(one.category_id)
        return found.id if found is not None and found.name == one.category else by_name[one.category].id

    return tuple(replace(one, category_id=category(one)) for one in objects)
