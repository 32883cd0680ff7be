"""The SA-1B layout: one JSON file an image beside the image, masks as COCO run lengths, no categories."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from sampipe._files import write_atomic
from sampipe.data.annotated import NAMELESS, AnnotatedImage, Dataset, Files, GroundTruth
from sampipe.data.coco import annotation
from sampipe.data.extras import extra_fields
from sampipe.data.format import Format, Writer
from sampipe.data.job_folder import JOB
from sampipe.data.names import Places, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row, check_segmentation, read_json, segmentation_rle, unique
from sampipe.errors import DataError
from sampipe.types import Image

_LOOKED_AT = 5  # files, to see whether a folder is in this layout
_SCORES = {"predicted_iou": "predicted_iou", "stability_score": "stability"}
_FIELDS = ("id", "segmentation", "bbox", "area", *_SCORES)
_OF_IMAGES = ("image_id", "width", "height", "file_name")


def read(folder: Path) -> Dataset:
    """A folder that holds ``sa_1.json`` beside ``sa_1.jpg``, directly or in folders below; files are read one by one.

    Raises:
        DataError: there is no annotation file.
    """
    report, places = ReadReport(), Places.of(folder)
    reads = partial(read_file, report=report, root=folder, places=places)
    return Dataset(folder, "sa1b", Files(folder, annotation_files(folder), reads), (), report)


def annotation_files(folder: str | Path) -> list[Path]:
    """The annotation files of a folder in SA-1B's layout, by name; none is opened.

    Raises:
        DataError: there is none.
    """
    files = sorted(path for path in Path(folder).rglob("*.json") if _may_be_ours(path))
    if not files:
        there = "holds no .json file" if Path(folder).is_dir() else "is no folder"
        raise DataError(f"{folder} {there}; wanted SA-1B's layout, sa_1.json beside sa_1.jpg")
    return files


def read_file(
    file: str | Path, report: ReadReport | None = None, *, root: Path | None = None, places: Places | None = None
) -> AnnotatedImage:
    """One image from its annotation file.

    Args:
        file: beside its image.
        report: gets the counts.
        root: of the data set, from which the image is named.
        places: where else images are, under the path of the file from ``root``.

    Raises:
        DataError: the file is not in SA-1B's format, or a mask is not of the image's size; names the row.
    """
    path, report = Path(file), ReadReport() if report is None else report
    document = Row(read_json(path), str(path))
    try:
        image, rows = document.row("image"), document.rows("annotations")
        name, hw = image.file_name("file_name"), image.hw()
    except DataError as error:
        raise DataError(f"{error}: not SA-1B's format") from error
    unique(((row.id("id"), row.place) for row in rows if row.has("id")), "an annotation")
    for row in rows:
        if not isinstance(row.value.get("segmentation"), dict):
            raise DataError(f"{row.place} has no run-length segmentation")
        check_segmentation(row.value["segmentation"], hw, f"{row.place}: segmentation")
    objects = tuple(_object(row, number, hw) for number, row in enumerate(rows))
    beside, base = Places(path.parent).find(name), root or path.parent
    own = PurePosixPath(plain(name)).name or path.stem
    inner = (path.parent.relative_to(base) / own).as_posix()
    found = beside or (places.beside(inner) if places else None) or path.parent / own
    report.images += 1
    report.keep(len(objects))
    if not found.is_file():
        report.note("image file is not there", str(found))
    inner = beside.relative_to(base).as_posix() if beside else inner
    return AnnotatedImage(found, objects, hw, plain(inner), extra=extra_fields(image, _OF_IMAGES))


def _object(row: Row, number: int, hw: tuple[int, int]) -> GroundTruth:
    mask = segmentation_rle(row.value["segmentation"], hw, f"{row.place}: segmentation")
    scores = {ours: row.number(theirs) for theirs, ours in _SCORES.items() if row.has(theirs)}
    key, extra = row.id("id") if row.has("id") else number, extra_fields(row, _FIELDS)
    return GroundTruth.of_mask(key, NAMELESS, mask, scores=scores, extra=extra)


@dataclass(kw_only=True)
class Sa1bWriter(Writer):
    """``<name>.json`` beside each image."""

    holds_empty: ClassVar[bool] = True
    holds_extra: ClassVar[bool] = True
    holds_extra_of_images: ClassVar[bool] = True
    beside: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._count = self._objects = 0

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        with self._lock:
            self._count += 1
            number, first = self._count, self._objects
            self._objects += len(image.objects)
        height, width = image.hw
        rows = [_row(one, first + place) for place, one in enumerate(image.objects, start=1)]
        head = {"image_id": number, "width": width, "height": height, "file_name": PurePosixPath(name).name}
        head = {**image.extra, **head}
        file = self.folder / PurePosixPath(name).with_suffix(".json")
        self.place(image, pixels, self.folder / name)
        document = {"image": head, "annotations": rows}
        write_atomic(file, json.dumps(document, allow_nan=False, ensure_ascii=False).encode())
        return [file]


def _row(one: GroundTruth, key: int) -> dict[str, Any]:
    row = annotation(one, key, 0, 0) | {"segmentation": one.mask.to_coco()}
    for name in ("image_id", "category_id", "iscrowd", "score", "stability"):
        row.pop(name, None)
    return row | {theirs: one.scores[ours] for theirs, ours in _SCORES.items() if ours in one.scores}


def _may_be_ours(file: Path) -> bool:
    """Neither hidden nor what a job of sampipe says of itself, unless an image of its stem lies beside it."""
    odd = file.name.startswith(".") or file.name == JOB
    return not odd or Places(file.parent).find_stem(file.stem) is not None


def _recognize(folder: Path) -> bool:
    files = (path for path in folder.rglob("*.json") if _may_be_ours(path))
    return any(_is_ours(file) for file in islice(files, _LOOKED_AT))


def _is_ours(file: Path) -> bool:
    try:
        document = read_json(file)
    except DataError:
        return False
    return isinstance(document, dict) and "image" in document and "annotations" in document


FORMAT = Format(
    name="sa1b",
    title="SA-1B",
    read=read,
    recognize=_recognize,
    writer=Sa1bWriter,
    files="{stem}.json",
    placing="link",
    cannot_hold="categories and their ids, a detector's scores, crowds",
    opened_by="pycocotools 2.0.11 (its run lengths)",
)
