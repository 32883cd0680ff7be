"""Every format by its name: the one register, from which data sets are read and into which they are written.

A new format is a file beside this one with a ``FORMAT``, and its line here; commands, nodes and pages take it from
here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sampipe.data import (
    bsds,
    coco,
    coco_results,
    crops,
    csv_boxes,
    cutouts,
    cvat,
    davis,
    geojson,
    label_png,
    label_studio,
    labelme,
    lvis,
    mask_png,
    miap,
    panoptic,
    parquet,
    sa1b,
    svg,
    voc,
    yolo,
)
from sampipe.data.annotated import AnnotatedImage, Dataset, GroundTruth
from sampipe.data.format import Format
from sampipe.data.job_folder import JOB
from sampipe.data.report import ReadReport
from sampipe.errors import DataError

FORMATS: dict[str, Format] = {
    one.FORMAT.name: one.FORMAT
    for one in (
        coco,
        lvis,
        panoptic,
        bsds,
        miap,
        voc,
        davis,
        label_png,
        yolo,
        mask_png,
        cvat,
        csv_boxes,
        labelme,
        label_studio,
        sa1b,
        geojson,
        svg,
        parquet,  # the rows of a job lie beside what it saved
        cutouts,
        crops,
        coco_results,
    )
}
"""By name; ``auto`` asks them in this order whether a folder is theirs."""
READABLE = tuple(name for name, one in FORMATS.items() if one.read is not None)
WRITABLE = tuple(name for name, one in FORMATS.items() if one.writer is not None)


_ANNOTATIONS = (".json", ".gz", ".mat", ".txt", ".png", ".xml", ".csv", ".parquet", ".geojson", ".svg")


def format_of(folder: Path) -> str:
    """The format of a data set by what is in its folder.

    Raises:
        DataError: nothing that any reader knows.
    """
    for name, one in FORMATS.items():
        if one.recognize is not None and one.recognize(folder):
            return name
    there = "" if folder.is_dir() else "; there is no such folder"
    if (folder / JOB).is_file():
        there = "; it is a job's folder without rows/: if --images none was given, save again with --images link"
    raise DataError(f"{folder}: not a data set of a known format ({', '.join(READABLE)}){there}")


def read_dataset(folder: str | Path, format: str = "auto") -> Dataset:
    """The annotated images of a folder, each read when it is asked for.

    Args:
        folder: of the data set.
        format: one of :data:`READABLE`, or ``auto``: told by what is in the folder.

    Raises:
        DataError: an unknown format, no image, or a file that is not what it should be.
    """
    path = Path(folder)
    name = format_of(path) if format == "auto" else format
    known = FORMATS.get(name)
    if known is None or known.read is None:
        raise DataError(f"format: got {format!r}; there are auto, {', '.join(READABLE)}")
    found = known.read(path)
    if not found.images:
        raise DataError(f"{path}: no annotated image of the format {name}")
    return found


def read_images(
    folder: str | Path,
    format: str = "auto",
    *,
    min_area: int = 0,
    limit: int | None = None,
    seed: int = 0,
    report: ReadReport | None = None,
) -> list[AnnotatedImage]:
    """The images of a data set that have masks of at least ``min_area`` px², in their order.

    Args:
        folder, format: see :func:`read_dataset`.
        min_area: smallest mask in square pixels. Crowds and objects that have only a box are left out and counted, too.
        limit: at most so many images with masks, drawn with ``seed``.
        seed: of that draw.
        report: gets the counts.

    Raises:
        DataError: the folder or one of its files is not what it should be, or no mask is large enough.
    """
    data = read_dataset(folder, format)
    if limit is not None and limit < 1:
        raise DataError(f"limit: got {limit}, wanted 1 or more images")
    found = _with_objects(data, min_area, limit, seed)
    if report is not None:
        report.add([data.report])
    if not found:
        raise DataError(f"{folder}: no annotated mask of at least {max(min_area, 1)} px². {data.report}")
    return found


def _with_objects(data: Dataset, min_area: int, limit: int | None, seed: int) -> list[AnnotatedImage]:
    """The images that have objects. Where each has a file of its own, no more files are opened than a limit needs."""
    if limit is None or FORMATS[data.format].index is not None:
        read = (with_masks(reads(), min_area, data.report) for reads in data.images)
        images = [image for image in read if image.objects]
        return [images[index] for index in drawn(len(images), limit, seed)]
    found: dict[int, AnnotatedImage] = {}
    for index in np.random.default_rng(seed).permutation(len(data.images)).tolist():
        image = with_masks(data.images[index](), min_area, data.report)
        if image.objects:
            found[index] = image
        if len(found) == limit:
            break
    return [found[index] for index in sorted(found)]


def with_masks(image: AnnotatedImage, min_area: int, report: ReadReport) -> AnnotatedImage:
    """The image with the objects that have a mask of their own of at least ``min_area`` px²."""
    kept = [one for one in image.objects if _has_mask(one, image, min_area, report)]
    return image if len(kept) == len(image.objects) else image.with_objects(kept)


def _has_mask(one: GroundTruth, image: AnnotatedImage, min_area: int, report: ReadReport) -> bool:
    reasons = {
        "a crowd": one.crowd,
        "a box without a mask": one.box_only,
        "a mask without a pixel": one.mask.area == 0,
        f"a mask below {min_area} px²": one.mask.area < min_area,
    }
    reason = next((name for name, true in reasons.items() if true), None)
    if reason is not None:
        report.drop(reason, f"{image.name}: object {one.id}")
    return reason is None


def files_digest(data: Dataset) -> str:
    """Of the files of annotations: what is in the one file of all images, else the names and sizes of all files."""
    found = hashlib.blake2b(digest_size=16)
    if FORMATS[data.format].index is not None:
        there = (path for pattern in ("*", "*/*") for path in data.source.glob(pattern))
        for file in sorted(path for path in there if path.suffix in (".json", ".gz", ".xml") and path.is_file()):
            found.update(f"{file.relative_to(data.source)};".encode(errors="surrogateescape") + file.read_bytes())
    else:
        for file in sorted(path for path in data.source.rglob("*") if path.suffix in _ANNOTATIONS):
            found.update(f"{file.relative_to(data.source)}:{file.stat().st_size};".encode(errors="surrogateescape"))
    return found.hexdigest()


def drawn(count: int, limit: int | None, seed: int) -> Sequence[int]:
    """Numbers below ``count``, ascending: all, or ``limit`` of them by chance.

    Raises:
        DataError: a limit below 1.
    """
    if limit is None or limit >= count:
        return range(count)
    if limit < 1:
        raise DataError(f"limit: got {limit}, wanted 1 or more images")
    return sorted(np.random.default_rng(seed).choice(count, size=limit, replace=False).tolist())
