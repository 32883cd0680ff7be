"""COCO instances: one JSON document of images, annotations and categories, read and written."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, ClassVar

from sampipe._files import atomic_file
from sampipe.data.annotated import AnnotatedImage, Category, Dataset, GroundTruth, Id, Reads
from sampipe.data.categories import CategoryTable, declared_categories
from sampipe.data.coco_layout import Part, image_folder, is_coco, parts
from sampipe.data.extras import extra_fields
from sampipe.data.format import Format, InFolder, Writer, identity
from sampipe.data.names import Places, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import (
    ById,
    Row,
    check_segmentation,
    read_json,
    segmentation_rle,
    unique,
)
from sampipe.errors import DataError
from sampipe.types import Image

IMAGE_FIELDS = ("id", "file_name", "height", "width")
_SCORES = ("score", "predicted_iou", "stability")
_FIELDS = ("id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", *_SCORES)
_LISTS = ("images", "annotations", "categories")
_ABOUT = {"description": "Written by sampipe"}
_IMAGE_ROOT = "image_root"
_IN_MEMORY = 32 * 2**20


def read(folder: Path) -> Dataset:
    """A COCO folder: see :func:`~sampipe.data.coco_layout.parts`. Of several splits all are read, and images are named
    from the folder of the splits, so that ``train/1.jpg`` and ``val/1.jpg`` stay two.

    Raises:
        DataError: the folder or a file of it is not what it should be, or two splits give an id to two categories;
            names the row and the field.
    """
    found, report = parts(folder), ReadReport()
    if len(found) == 1:
        return _read(found[0], folder, report)
    readers: list[Reads] = []
    categories: dict[str, tuple[Category, Path]] = {}
    seen: set[str] = set()
    extra: dict[str, Any] = {}
    for part in found:
        data = _read(part, folder, report, f"{part.split}/", seen)
        for key in data.extra if part is not found[0] else ():
            if extra.get(key) != data.extra[key]:
                report.note(f"images of several documents, of which one {key} is kept", str(part.file))
        extra = {**data.extra, **extra}
        readers += data.images
        for one in data.categories:
            first, file = categories.setdefault(str(one.id), (one, part.file))
            if first.name != one.name:
                raise DataError(f"{part.file}: the category {one.id!r} is {one.name!r}, and in {file} {first.name!r}")
    return Dataset(folder, "coco", readers, tuple(one for one, _ in categories.values()), report, extra)


def read_file(file: Path, folder: Path | None = None, *, format_name: str = "coco") -> Dataset:
    """A COCO or LVIS file. Every row is checked here; masks are made when their image is asked for.

    Args:
        file: the document, packed or not.
        folder: holds the images, in ``images/`` or itself; by default the file's own.
        format_name: for the data set.

    Raises:
        DataError: it is no such document; names the row and the field.
    """
    folder = folder or file.parent
    part = Part(file, "", tuple(one for one in (image_folder(folder), folder) if one.is_dir()))
    return replace(_read(part, folder, ReadReport()), format=format_name)


def _read(part: Part, folder: Path, report: ReadReport, before: str = "", seen: set[str] | None = None) -> Dataset:
    """One document. ``before`` goes before the names of images, and the split before ids that are ``seen`` already."""
    document = Row(read_json(part.file), str(part.file))
    categories = declared_categories(document)
    images = document.rows("images")
    unique(((row.id("id"), row.place) for row in images), "an image")
    by_id = ById(images, lambda row: row.id("id"))
    sizes = {key: row.hw() for key, row in by_id.items()}
    rows = document.rows("annotations")
    unique(((row.id("id"), row.place) for row in rows), "an annotation")
    known = ById(categories, lambda one: one.id)
    annotated: dict[str, list[Row]] = {key: [] for key in by_id}
    for row in rows:
        key = str(row.id("image_id"))
        if key not in by_id:
            raise DataError(f"{row.place}: image_id is {row.value['image_id']!r}: belongs to no image that is listed")
        _check(row, sizes[key], known)
        annotated[key].append(row)
    places = Places(*_image_folders(document, part))
    seen = set() if seen is None else seen
    readers: list[Reads] = []
    for key, row in by_id.items():
        extra_fields(row, IMAGE_FIELDS)
        own = f"{part.split}/{key}" if key in seen else row.id("id")
        seen.add(key)
        readers.append(partial(_image, row, own, before, sizes[key], annotated[key], known, places, report))
    return Dataset(folder, "coco", readers, categories, report, about_all(document))


def about_all(document: Row) -> dict[str, Any]:
    """What a document says of all its images, without what sampipe itself notes there."""
    extra = extra_fields(document, _LISTS)
    if isinstance(extra.get("info"), dict):
        own = {**_ABOUT, _IMAGE_ROOT: extra["info"].get(_IMAGE_ROOT)}
        extra["info"] = {key: value for key, value in extra["info"].items() if own.get(key, ...) != value}
    return {key: value for key, value in extra.items() if value not in (None, [], {})}


def _image_folders(document: Row, part: Part) -> list[Path]:
    """Where to look for images; a document that sampipe wrote says where they were."""
    info = document.value.get("info")
    root = info.get(_IMAGE_ROOT) if isinstance(info, dict) else None
    named = [part.file.parent / root] if isinstance(root, str) and "\0" not in root else []
    found = [one for one in dict.fromkeys((*part.folders[:1], *named, *part.folders)) if one.is_dir()]
    return found or [part.file.parent]


def _check(row: Row, hw: tuple[int, int], known: ById[Category]) -> None:
    """An annotation's fields, but for its run lengths."""
    category = row.id("category_id")
    if known and known.find(category) is None:
        raise DataError(f"{row.place}: category_id is {category!r}, and the file has no such category")
    row.flag("iscrowd")
    row.optional_number("area", least=0)
    extra_fields(row, _FIELDS)
    for name in _SCORES:
        row.optional_number(name)
    if row.value.get("bbox"):
        _box(row)
    if row.value.get("segmentation"):
        check_segmentation(row.value["segmentation"], hw, f"{row.place}: segmentation")


def _box(row: Row) -> tuple[float, float, float, float]:
    x, y, width, height = row.numbers("bbox", 4)
    if width < 0 or height < 0:
        raise DataError(f"{row.place}: bbox is {row.value['bbox']}, wanted x, y, width and height, not negative")
    return x, y, x + width, y + height


def _image(
    row: Row,
    key: Id,
    before: str,
    hw: tuple[int, int],
    annotations: Sequence[Row],
    known: ById[Category],
    places: Places,
    report: ReadReport,
) -> AnnotatedImage:
    name = file_name(row)
    objects = [one for each in annotations if (one := _object(each, hw, known, report)) is not None]
    path = places.find(name)
    report.images += 1
    report.keep(len(objects))
    if path is None:
        report.note("image file is not there", name)
        path = places.folders[0] / name
    extra = extra_fields(row, IMAGE_FIELDS)
    return AnnotatedImage(path, tuple(objects), hw, plain(f"{before}{name}"), key, extra)


def file_name(row: Row) -> str:
    """By ``file_name``, or as in LVIS by the end of ``coco_url``: its last part, with the folder before."""
    for field in ("file_name", "coco_url"):
        if row.value.get(field):
            name = row.file_name(field)
            return name if field == "file_name" else "/".join(plain(name).split("/")[-2:])
    raise DataError(f"{row.place}: neither file_name nor coco_url")


def _object(row: Row, hw: tuple[int, int], known: ById[Category], report: ReadReport) -> GroundTruth | None:
    place = f"{row.place} (id {row.value['id']})"
    category_id, track_id = row.id("category_id"), row.value.get("track_id")
    category = known.find(category_id)
    segmentation, boxed = row.value.get("segmentation"), bool(row.value.get("bbox"))
    if not segmentation and not boxed:
        report.leave_out("neither a mask nor a box", place)
        return None
    xyxy = _box(row) if boxed else None
    if segmentation:
        mask = segmentation_rle(segmentation, hw, f"{row.place}: segmentation")
    else:
        assert xyxy is not None
        x0, y0, x1, y1 = xyxy
        mask = segmentation_rle([[x0, y0, x1, y0, x1, y1, x0, y1]], hw, row.place)
    if xyxy is None:
        x0, y0, x1, y1 = (float(value) for value in mask.box)
        xyxy = x0, y0, x1, y1
    return GroundTruth(
        id=row.id("id"),
        category=category.name if category else str(category_id),
        xyxy=xyxy,
        mask=mask,
        category_id=category.id if category else category_id,
        crowd=row.flag("iscrowd"),
        box_only=not segmentation,
        area=row.optional_number("area"),
        scores={name: row.number(name) for name in _SCORES if row.has(name)},
        extra=extra_fields(row, _FIELDS),
        track_id=track_id if isinstance(track_id, int) and track_id >= 0 else None,
    )


def annotation(one: GroundTruth, key: int, image_id: Id, category_id: Id) -> dict[str, Any]:
    """An object as a row of ``annotations``."""
    x0, y0, x1, y1 = one.xyxy
    fields: dict[str, Any] = {**one.extra, "id": key, "image_id": image_id, "category_id": category_id}
    if not one.box_only:
        fields["segmentation"] = one.mask.to_coco()
    fields |= {
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": one.mask.area if one.area is None else one.area,
        "iscrowd": int(one.crowd),
    }
    if one.track_id is not None:
        fields["track_id"] = one.track_id
    return fields | {name: round(value, 6) for name, value in one.scores.items()}


def document(images: Iterable[AnnotatedImage], categories: Sequence[Category] = ()) -> dict[str, Any]:
    """COCO's dictionary, in memory: image and annotation ids count from 1, categories keep theirs."""
    table = CategoryTable(categories)
    rows: list[dict[str, Any]] = []
    listed: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        listed.append(image_row(image, number, image.name))
        rows += [annotation(one, len(rows) + k, number, table.slot(one)) for k, one in enumerate(image.objects, 1)]
    ids = table.ids()
    for row in rows:
        row["category_id"] = ids[row["category_id"]]
    return {"images": listed, "annotations": rows, "categories": table.rows(ids)}


def image_row(image: AnnotatedImage, number: int, name: str) -> dict[str, Any]:
    """An image as a row of ``images``."""
    height, width = image.hw
    return {**image.extra, "id": number, "file_name": name, "width": width, "height": height}


@dataclass(kw_only=True)
class CocoWriter(Writer):
    """``annotations.json``: masks as compressed run lengths, so that holes and parts survive; nothing is lost.

    Rows wait in a temporary file, so that any number of images takes little memory, and become the document in one
    piece at the end.

    Args:
        file: the document's name in the folder.
    """

    holds_crowds: ClassVar[bool] = True
    holds_boxes: ClassVar[bool] = True
    holds_empty: ClassVar[bool] = True
    holds_extra: ClassVar[bool] = True
    holds_extra_of_images: ClassVar[bool] = True
    holds_extra_of_all: ClassVar[bool] = True
    by_stem: ClassVar[bool] = False

    file: InFolder = "annotations.json"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._table = CategoryTable(self.categories)
        self._spool: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115
        weakref.finalize(self, self._spool.close)
        self._latest: dict[tuple[str, str, str], int] = {}
        self._images: list[AnnotatedImage] = []

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        if self.images != "none":
            self.place(image, pixels, self.folder / "images" / self.name_in_folder(image, stem))
        with self._lock:
            number = len(self._images)
            self._images.append(AnnotatedImage(image.path, (), image.hw, image.name, image.id, image.extra))
            self._latest[identity(image)] = number
            self._spool.seek(0, os.SEEK_END)
            for one in image.objects:
                text = json.dumps(annotation(one, 0, 0, 0), allow_nan=False, ensure_ascii=False)
                self._spool.write(f"{number}\t{self._table.slot(one)}\t{text}\n")
        return []

    def finish(self) -> list[Path]:
        path = self.folder / self.file
        with self._lock:
            numbers = sorted(self._latest.values())
            images = [self._images[number] for number in numbers]
            kept = {number: place for place, number in enumerate(numbers, start=1)}
            ids = self._table.ids()
            with atomic_file(path) as partial_file, partial_file.open("w", encoding="utf-8") as file:
                about = _dump({**self.extra, "info": self._info(images)})
                _write(file, f'{about[:-1]}, "images": [', self._image_rows(images))
                _write(file, '], "annotations": [', self._annotations(kept, ids))
                _write(file, '], "categories": [', map(_dump, self.category_rows(ids)))
                file.write("]}")
        return [path]

    def _info(self, images: Sequence[AnnotatedImage]) -> dict[str, Any]:
        """What is known of all, and where images are that were not placed in this folder, to be read again."""
        given, root = self.extra.get("info"), self.image_root(images, self.file)
        info = {**_ABOUT, **(given if isinstance(given, dict) else {"note": given} if given else {})}
        return info | {_IMAGE_ROOT: root} if root else info

    def _image_rows(self, images: Sequence[AnnotatedImage]) -> Iterator[str]:
        names = self.short_names(images) if self.images == "none" else map(self.name_in_folder, images)
        for key, (image, name) in enumerate(zip(images, names, strict=True), start=1):
            yield _dump(self.image_row(image, key, name))

    def image_row(self, image: AnnotatedImage, key: int, name: str) -> dict[str, Any]:
        """An image as a row of ``images``."""
        return image_row(image, key, name)

    def category_rows(self, ids: Sequence[Id]) -> list[dict[str, Any]]:
        """The rows of ``categories``."""
        return self._table.rows(ids)

    def _annotations(self, kept: Mapping[int, int], ids: Sequence[Id]) -> Iterator[str]:
        self._spool.seek(0)
        count = 0
        for line in self._spool:
            number, slot, text = line.split("\t", 2)
            if int(number) in kept:
                count += 1
                own = {"id": count, "image_id": kept[int(number)], "category_id": ids[int(slot)]}
                yield _dump(json.loads(text) | own)


def _write(file: IO[str], before: str, rows: Iterable[str]) -> None:
    file.write(before)
    for index, row in enumerate(rows):
        file.write(f"{', ' if index else ''}{row}")


def _dump(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


FORMAT = Format(
    name="coco",
    title="COCO instances",
    read=read,
    recognize=is_coco,
    writer=CocoWriter,
    index="annotations.json",
    cannot_hold="",
    opened_by="pycocotools 2.0.11, faster-coco-eval 1.8.0, datumaro 1.13.12 (as `annotations/instances_*.json`)",
)
