"""COCO panoptic: one JSON document, and a PNG an image whose colors number the segments (R + 256 G + 65536 B)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sampipe._files import write_atomic
from sampipe.data.annotated import AnnotatedImage, Category, Dataset, GroundTruth, Reads
from sampipe.data.categories import CategoryTable, declared_categories
from sampipe.data.coco import IMAGE_FIELDS, about_all, image_row
from sampipe.data.extras import extra_fields
from sampipe.data.format import Format, MapWriter, identity
from sampipe.data.label_png import png_bytes
from sampipe.data.names import Places, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import ById, Row, read_bytes, read_json, unique
from sampipe.errors import DataError
from sampipe.types import RLE, Image
from sampipe.types._decode import stored

_OF_SEGMENTS = ("id", "category_id", "area", "bbox", "iscrowd")


def read(folder: Path) -> Dataset:
    """``panoptic*.json``, in ``annotations/`` too, with the PNGs in a folder of its name or in ``panoptic/``.

    Raises:
        DataError: no such file, several, or one of its rows is not what it should be. PNGs are read with their image.
    """
    files = _documents(folder)
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} files panoptic*.json; wanted one")
    document, report = Row(read_json(files[0]), str(files[0])), ReadReport()
    categories = declared_categories(document)
    images = document.rows("images")
    unique(((row.id("id"), row.place) for row in images), "an image")
    by_id, known = ById(images, lambda row: row.id("id")), ById(categories, lambda one: one.id)
    places = Places.of(folder)
    maps = Places(*(one for one in (files[0].with_suffix(""), folder / "panoptic") if one.is_dir()))
    readers: list[Reads] = []
    for row in document.rows("annotations"):
        image = by_id.find(row.id("image_id"))
        if image is None:
            raise DataError(f"{row.place}: image_id is {row.value['image_id']!r}: belongs to no image that is listed")
        segments = row.rows("segments_info")
        unique(((segment.id("id"), segment.place) for segment in segments), "a segment")
        for segment in segments:
            segment.whole("id", least=1, most=2**24 - 1)
            if known and known.find(segment.id("category_id")) is None:
                raise DataError(f"{segment.place}: category_id is {segment.value['category_id']!r}: no such category")
        readers.append(partial(_read_image, row, image, segments, known, places, maps, folder, report))
    with_row = {str(row.id("image_id")) for row in document.rows("annotations")}
    for key, image in by_id.items():
        if key not in with_row:
            report.note("image without a row of annotations", image.place)
    return Dataset(folder, "panoptic", readers, categories, report, about_all(document))


def _read_image(
    row: Row,
    image: Row,
    segments: list[Row],
    known: ById[Category],
    places: Places,
    maps: Places,
    folder: Path,
    report: ReadReport,
) -> AnnotatedImage:
    name, hw = image.text("file_name"), image.hw()
    file = maps.find(row.text("file_name"))
    if file is None:
        raise DataError(f"{row.place}: its map {row.value['file_name']} is not there")
    numbers = _numbers(file)
    if numbers.shape != hw:
        raise DataError(f"{file}: it is {numbers.shape}, its image {hw} (height, width)")
    objects = []
    for segment in segments:
        key = segment.whole("id", least=1, most=2**24 - 1)
        category = known.find(segment.id("category_id"))
        mask = RLE.from_mask(numbers == key)
        if not mask.area:
            report.leave_out("a segment without a pixel", segment.place)
            continue
        label = category.name if category else str(segment.id("category_id"))
        crowd = segment.flag("iscrowd")
        category_id, extra = segment.id("category_id"), extra_fields(segment, _OF_SEGMENTS)
        objects.append(GroundTruth.of_mask(key, label, mask, category_id=category_id, crowd=crowd, extra=extra))
        report.keep()
    listed = [0, *(segment.whole("id", least=1, most=2**24 - 1) for segment in segments)]
    for key in np.setdiff1d(numbers, listed).tolist():
        report.leave_out("a segment of the map that is not listed", f"{file}: {key}")
    path = places.find(name)
    report.images += 1
    if path is None or path == file:  # a map is not its own image
        report.note("image file is not there", name)
        path = None
    extra = extra_fields(image, IMAGE_FIELDS)
    return AnnotatedImage(path or folder / "images" / name, tuple(objects), hw, plain(name), image.id("id"), extra)


def _numbers(file: Path) -> NDArray[np.int64]:
    values, mode = stored(read_bytes(file), str(file))
    if mode not in ("RGB", "RGBA"):
        raise DataError(f"{file}: an image of mode {mode}; wanted colors that number segments")
    red, green, blue = np.moveaxis(values[..., :3].astype(np.int64), 2, 0)
    return red + 256 * green + 65536 * blue


@dataclass(kw_only=True)
class PanopticWriter(MapWriter):
    """``panoptic.json`` and ``panoptic/<name>.png``; of objects that overlap the smaller is on top."""

    holds_crowds: ClassVar[bool] = True
    holds_extra: ClassVar[bool] = True
    holds_extra_of_images: ClassVar[bool] = True
    holds_extra_of_all: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._table = CategoryTable(self.categories)
        self._rows: dict[tuple[str, str, str], tuple[AnnotatedImage, str, list[dict[str, Any]]]] = {}

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        self.place(image, pixels, self.folder / "images" / name)
        labels = self.label_map(image).astype(np.int64)
        colors = np.stack([labels & 255, labels >> 8 & 255, labels >> 16], axis=-1).astype(np.uint8)
        png = str(PurePosixPath(name).with_suffix(".png"))
        write_atomic(self.folder / "panoptic" / png, png_bytes(colors))
        areas = np.bincount(labels.ravel(), minlength=len(image.objects) + 1)
        segments = []
        for number, one in enumerate(image.objects, start=1):
            if not areas[number]:
                continue
            x0, y0, x1, y1 = RLE.from_mask(labels == number).box.tolist()
            row = {**one.extra, "id": number, "area": int(areas[number]), "bbox": [x0, y0, x1 - x0, y1 - y0]}
            with self._lock:
                segments.append({**row, "category_id": self._table.slot(one), "iscrowd": int(one.crowd)})
        with self._lock:
            self._rows[identity(image)] = image.with_objects(()), name, segments
        return [self.folder / "panoptic" / png]

    def finish(self) -> list[Path]:
        path = self.folder / "panoptic.json"
        with self._lock:
            ids, rows = self._table.ids(), list(self._rows.values())
            images = [image_row(image, number, name) for number, (image, name, _) in enumerate(rows, start=1)]
            annotations = [
                {
                    "image_id": number,
                    "file_name": str(PurePosixPath(name).with_suffix(".png")),
                    "segments_info": [{**one, "category_id": ids[one["category_id"]]} for one in segments],
                }
                for number, (_, name, segments) in enumerate(rows, start=1)
            ]
            categories = [{"isthing": 1, **row} for row in self._table.rows(ids)]
        document = {**self.extra, "images": images, "annotations": annotations, "categories": categories}
        write_atomic(path, json.dumps(document, allow_nan=False, ensure_ascii=False).encode())
        return [path]


def _documents(folder: Path) -> list[Path]:
    return sorted([*folder.glob("panoptic*.json"), *folder.glob("annotations/panoptic*.json")])


def _recognize(folder: Path) -> bool:
    return bool(_documents(folder))


FORMAT = Format(
    name="panoptic",
    title="COCO panoptic",
    read=read,
    recognize=_recognize,
    writer=PanopticWriter,
    index="panoptic.json",
    cannot_hold="overlaps (the smaller is on top), scores",
    opened_by="Pillow 12, by panopticapi's rule",
)
