"""YOLO folders, as Ultralytics reads them: ``images/``, ``labels/`` and ``data.yaml``; boxes or outlines a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
import yaml

from sampipe._files import write_atomic
from sampipe.data._rings import one_ring
from sampipe.data._text import decode_text
from sampipe.data.annotated import AnnotatedImage, Category, Dataset, GroundTruth, Reads, cut_box
from sampipe.data.format import Format, Tolerance, Writer
from sampipe.data.images import SUFFIXES
from sampipe.data.names import one_line, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row, number, read_bytes, refuse, segmentation_rle, upright, whole
from sampipe.errors import DataError
from sampipe.types import Image
from sampipe.types.image import image_hw
from sampipe.types.polygons import rle_polygons

_SPLITS = ("", "train", "valid", "val", "test")
_BOX = 5  # words: the class, and four numbers
_LARGEST_SHARE = 2.0
"""Beyond it a value is no share of the image with an outline that reaches a little out of it, but pixels."""


def read(folder: Path) -> Dataset:
    """``images/`` and ``labels/``, with any folders in them, or both in ``train/``, ``valid/`` and ``test/``.

    Images without a label file are images of background.

    Raises:
        DataError: no such folders, or names of classes that are no names. A label file is read with its image.
    """
    pairs = [one for one in _pairs(folder) if one[1].is_dir() and one[2].is_dir()]
    if not pairs:
        raise DataError(f"{folder}: wanted images/ and labels/")
    names, posed, report = class_names(folder), _has_key_points(folder), ReadReport()
    readers: list[Reads] = []
    for split, images, labels in pairs:
        before = f"{split}/" if split and len(pairs) > 1 else ""
        files = sorted(path for path in images.rglob("*") if path.suffix.lower() in SUFFIXES)
        known = {path.relative_to(images).with_suffix("") for path in files}
        for path in files:
            label = (labels / path.relative_to(images)).with_suffix(".txt")
            name = plain(f"{before}{path.relative_to(images)}")
            readers.append(partial(_read_image, path, label, name, names, posed, report))
        for label in sorted(labels.rglob("*.txt")):
            if label.relative_to(labels).with_suffix("") not in known and label.name != "classes.txt":
                report.note("image of a label file is not there", str(label))
    categories = tuple(Category(key, name) for key, name in sorted(names.items()))
    return Dataset(folder, "yolo", readers, categories, report)


def _pairs(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    for split in _SPLITS:
        yield split, folder / split / "images", folder / split / "labels"


def _has_key_points(folder: Path) -> bool:
    """Whether ``data.yaml`` says that key points follow each box (``kpt_shape``)."""
    file = folder / "data.yaml"
    return file.is_file() and bool(_yaml(file).value.get("kpt_shape"))


def _yaml(file: Path) -> Row:
    """A file whose values are all text, so that a class may be called no, null or 1.0."""
    try:
        return Row(yaml.load(decode_text(read_bytes(file), str(file)), yaml.BaseLoader), str(file))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{file}: cannot be read as YAML: {error}") from error


def class_names(folder: Path) -> dict[int, str]:
    """The names of the classes by number, from ``data.yaml`` or ``classes.txt``; none where there is neither.

    Raises:
        DataError: a ``data.yaml`` without names.
    """
    file = folder / "data.yaml"
    if file.is_file():
        names = _yaml(file).take("names")
        if not isinstance(names, dict | list):
            refuse(f"{file}: names", names, "a list of names, or names by number")
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        found = {whole(key, f"{file}: names", least=0, most=10**6): name for key, name in pairs}
        wrong = next((name for name in found.values() if not isinstance(name, str)), None)
        if wrong is not None:
            refuse(f"{file}: names", wrong, "the name of a class")
        return found
    for file in (folder / "classes.txt", folder / "labels" / "classes.txt"):
        if file.is_file():
            return dict(enumerate(decode_text(read_bytes(file), str(file)).splitlines()))
    return {}


def _read_image(
    path: Path, label: Path, name: str, names: Mapping[int, str], posed: bool, report: ReadReport
) -> AnnotatedImage:
    hw = image_hw(path)
    lines = decode_text(read_bytes(label), str(label)).splitlines() if label.is_file() else []
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    if posed and any(len(row) > _BOX for _, row in rows):
        report.note("image has key points, which are not read", name)
        rows = [(number, row[:_BOX]) for number, row in rows]
    objects = tuple(read_line(row, number, hw, f"{label}: line {number}", names) for number, row in rows)
    report.images += 1
    report.keep(len(objects))
    return AnnotatedImage(path, objects, hw, name)


def read_line(row: list[str], key: int, hw: tuple[int, int], place: str, names: Mapping[int, str]) -> GroundTruth:
    """A class, then a box (centre, width, height) or the corners of an outline, as shares of width and height.

    Raises:
        DataError: it is something else, or in pixels.
    """
    try:
        class_id = whole(row[0], place, least=0, most=10**6)
        values = [number(one, place) for one in row[1:]]
    except DataError as error:
        raise DataError(f"{place} is not a class and x, y pairs: {error}") from error
    if len(values) < 4 or len(values) % 2:
        raise DataError(f"{place} has {len(values)} numbers after the class; wanted 4 of a box, or pairs of an outline")
    if max(map(abs, values)) > _LARGEST_SHARE:
        raise DataError(
            f"{place} holds {max(values, key=abs):g}: these look like pixels; wanted shares of the image from 0 to 1"
        )
    if names and class_id not in names:
        known = f"the names end at {max(names)}" if class_id > max(names) else "no name has this number"
        raise DataError(f"{place} is of class {class_id}, and {known}")
    height, width = hw
    boxed = len(values) == 4
    if boxed:
        x, y, w, h = values
        upright((x, y, x + w, y + h), place)
        values = [x - w / 2, y - h / 2, x + w / 2, y - h / 2, x + w / 2, y + h / 2, x - w / 2, y + h / 2]
    ring = np.array(values).reshape(-1, 2) * [width, height]
    mask = segmentation_rle([ring.reshape(-1).tolist()], hw, place)
    found = GroundTruth.of_mask(key, names.get(class_id, f"class {class_id}"), mask, category_id=class_id)
    if not boxed:
        return found
    x0, y0, x1, y1 = (float(one) for one in np.concatenate([ring.min(axis=0), ring.max(axis=0)]))
    return GroundTruth(key, found.category, (x0, y0, x1, y1), mask, class_id, box_only=True)


@dataclass(kw_only=True)
class YoloWriter(Writer):
    """``labels/<name>.txt``, ``classes.txt``, ``data.yaml``, and ``images/`` as ``images`` says.

    One outline an object: parts and holes are joined to it by cuts of no width. An image without objects gets an
    empty file. Classes are numbered from 0 without gaps, in the order of the declared categories or as they come;
    names that a folder has already keep their numbers.

    Args:
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.
    """

    holds_boxes: ClassVar[bool] = True

    tolerance: Tolerance = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._numbers: dict[tuple[str, str], int] = {}
        self._class_names: list[str] = [] if self.fresh else list(class_names(self.folder).values())
        for one in self.categories:
            self._numbers[str(one.id), one_line(one.name)] = len(self._class_names)
            self._class_names.append(one_line(one.name))
        self._written = False

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        numbers = self._class_numbers(image)
        height, width = image.hw
        lines = []
        for one, number_ in zip(image.objects, numbers, strict=True):
            if one.box_only:
                x0, y0, x1, y1 = cut_box(one.xyxy, image.hw)
                if x0 == x1 or y0 == y1:
                    self.report.drop("a box outside the image", f"{image.name}: object {one.id}")
                    continue
                values = np.array(
                    [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
                )
            else:
                values = (one_ring(rle_polygons(one.mask, self.tolerance)) / np.array([width, height])).clip(0, 1)
            lines.append(" ".join([str(number_), *(f"{value:.6f}" for value in values.ravel())]))
        self.place(image, pixels, self.folder / "images" / name)
        label = self.folder / "labels" / PurePosixPath(name).with_suffix(".txt")
        write_atomic(label, "".join(f"{line}\n" for line in lines).encode())
        return [label]

    def label(self, name: str) -> str:
        return one_line(name)

    def _class_numbers(self, image: AnnotatedImage) -> list[int]:
        """The class number of each object; names are written as soon as one is new, so that no label lacks its."""
        with self._lock:
            before = len(self._class_names)
            numbers = [self._class_number(one) for one in image.objects]
            if len(self._class_names) > before or not self._written:
                self._write_names()
            return numbers

    def _class_number(self, one: GroundTruth) -> int:
        declared = self._numbers.get((str(one.category_id), one.category))
        if declared is not None:
            return declared
        name = one.category
        if name not in self._class_names:
            self._class_names.append(name)
        return self._class_names.index(name)

    def _write_names(self) -> None:
        self._written = True
        names = self._class_names
        write_atomic(self.folder / "classes.txt", "".join(f"{name}\n" for name in names).encode())
        listed = "".join(f"  {key}: {json.dumps(name, ensure_ascii=False)}\n" for key, name in enumerate(names))
        # no `path`: Ultralytics then looks from this file's folder, and with "path: ." from the working directory
        head = "train: images\nval: images\n" if self.images != "none" else ""
        write_atomic(
            self.folder / "data.yaml", f"{head}names:\n{listed}".encode() if names else f"{head}names: {{}}\n".encode()
        )

    def finish(self) -> list[Path]:
        with self._lock:
            self._write_names()
        return [self.folder / "classes.txt", self.folder / "data.yaml"]


def _recognize(folder: Path) -> bool:
    pairs = [labels for _, images, labels in _pairs(folder) if images.is_dir() and labels.is_dir()]
    return any((folder / "data.yaml").is_file() or next(labels.rglob("*.txt"), None) is not None for labels in pairs)


FORMAT = Format(
    name="yolo",
    title="YOLO boxes and outlines",
    read=read,
    recognize=_recognize,
    writer=YoloWriter,
    files="labels/{stem}.txt",
    shared=("classes.txt", "data.yaml"),
    placing="link",
    cannot_hold="scores; category ids (classes are numbered from 0); crowds; holes and parts become cuts of no width",
    opened_by="ultralytics 8.4.190 (found and trained on)",
)
