"""One binary PNG an object, in a folder for each image with ``metadata.csv``: what segment-anything's script writes."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from sampipe._files import write_atomic
from sampipe.data.annotated import NAMELESS, AnnotatedImage, Dataset, Files, GroundTruth
from sampipe.data.extras import extra_fields
from sampipe.data.format import Format, Writer
from sampipe.data.label_png import png_bytes, read_numbers
from sampipe.data.names import Places, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import read_table, unique
from sampipe.errors import DataError
from sampipe.types import RLE, Image

_COLUMNS = ("id", "area", "bbox_x0", "bbox_y0", "bbox_w", "bbox_h")
_SCORES = {"predicted_iou": "predicted_iou", "stability_score": "stability", "score": "score"}
_KNOWN = (*_COLUMNS, *_SCORES, "label")


def read(folder: Path) -> Dataset:
    """Folders with ``metadata.csv``; each is named as its image, which is in ``images/`` or beside it.

    Raises:
        DataError: there is none. Tables and masks are read with their image.
    """
    files = sorted(folder.rglob("metadata.csv"))
    if not files:
        raise DataError(f"{folder}: no metadata.csv in it or below")
    report, places = ReadReport(), Places.of(folder)
    return Dataset(folder, "masks", Files(folder, files, partial(_read_image, places, folder, report)), (), report)


def _read_image(places: Places, root: Path, report: ReadReport, file: Path) -> AnnotatedImage:
    objects: list[GroundTruth] = []
    unlisted = {one.name for one in file.parent.glob("*.png")}
    rows = read_table(file, ("id",))[1]
    unique(((row.whole("id", least=0, most=10**9), row.place) for row in rows), "a mask")
    for row in rows:
        key = row.whole("id", least=0, most=10**9)
        unlisted.discard(f"{key}.png")
        numbers = read_numbers(file.parent / f"{key}.png")
        label = row.text("label") if row.has("label") else NAMELESS
        scores = {ours: row.number(theirs) for theirs, ours in _SCORES.items() if row.has(theirs)}
        extra = {key: text for key, text in extra_fields(row, _KNOWN).items() if text is not None}
        objects.append(GroundTruth.of_mask(key, label, RLE.from_mask(numbers > 0), scores=scores, extra=extra))
    sizes = {one.mask.hw for one in objects}
    if len(sizes) > 1:
        raise DataError(f"{file.parent}: masks of several sizes: {sorted(sizes)} (height, width)")
    report.images += 1
    report.keep(len(objects))
    for name in sorted(unlisted):
        report.leave_out("a mask that metadata.csv does not list", str(file.parent / name))
    stem = file.parent.relative_to(root).as_posix()
    path = places.find_stem(stem)
    if path is None:
        report.note("image file is not there", stem)
    return AnnotatedImage(
        path or root / stem, tuple(objects), next(iter(sizes), None), plain(f"{stem}{path.suffix}" if path else stem)
    )


@dataclass(kw_only=True)
class MaskPngWriter(Writer):
    """``<name>/0.png``, ``<name>/1.png`` ... of 0 and 255, and ``<name>/metadata.csv``; images in ``images/``."""

    holds_empty: ClassVar[bool] = True
    holds_extra: ClassVar[bool] = True

    def label(self, name: str) -> str:
        return super().label(name).strip()  # as readers of tables do with cells

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        inner = self.folder / PurePosixPath(name).with_suffix("")
        self.place(image, pixels, self.folder / "images" / name)
        table = io.StringIO(newline="")
        others = dict.fromkeys(key for one in image.objects for key in one.extra if key not in _KNOWN)
        writer = csv.DictWriter(table, [*_KNOWN, *others], lineterminator="\r\n")
        writer.writeheader()
        files = []
        for number, one in enumerate(image.objects):
            x0, y0, x1, y1 = one.mask.box.tolist()
            box = {"bbox_x0": x0, "bbox_y0": y0, "bbox_w": x1 - x0, "bbox_h": y1 - y0}
            scores = {theirs: one.scores.get(ours, "") for theirs, ours in _SCORES.items()}
            known = {"id": number, "area": one.mask.area, "label": one.category, **box, **scores}
            writer.writerow({key: _cell(value) for key, value in one.extra.items()} | known)
            files.append(inner / f"{number}.png")
            write_atomic(files[-1], png_bytes(one.mask.decode().astype(np.uint8) * 255))
        write_atomic(inner / "metadata.csv", table.getvalue().encode())
        return [*files, inner / "metadata.csv"]


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, allow_nan=False, ensure_ascii=False)


def _recognize(folder: Path) -> bool:
    return next(folder.rglob("metadata.csv"), None) is not None


FORMAT = Format(
    name="masks",
    title="a binary PNG an object, with metadata.csv",
    read=read,
    recognize=_recognize,
    writer=MaskPngWriter,
    files="{stem}/metadata.csv",
    placing="link",
    cannot_hold="category ids, crowds",
    opened_by="Pillow 12, pandas 3.1.1",
)
