"""Data sets written in other layouts: COCO, SA-1B, YOLO."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._files import whole_file, write_atomic
from sampipe.errors import DataError
from sampipe.types import RLE
from sampipe.types.coco import Picture
from sampipe.types.polygons import rle_polygons

PHOTOS = ("copy", "link", "none")
TOLERANCE = 0.5
"""Pixels by which an outline of a YOLO label may leave the mask's own."""


@dataclass(frozen=True)
class Written:
    """What was written."""

    pictures: int
    objects: int


def write_coco(pictures: Iterable[Picture], folder: Path, *, photos: str = "copy") -> Written:
    """``instances.json`` and ``images/``; masks as compressed RLE, nothing is lost.

    Raises:
        DataError: a photo is missing, or there is no picture.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    ids: dict[str, int] = {}
    for picture, name in _named(pictures):
        height, width = _hw(picture)
        images.append({"id": len(images) + 1, "file_name": name, "width": width, "height": height})
        for one in picture.objects:
            category = ids.setdefault(one.category, len(ids) + 1)
            own = {"id": len(annotations) + 1, "image_id": len(images), "category_id": category, "iscrowd": 0}
            annotations.append(own | _mask_fields(one.mask))
        _place(picture.path, folder / "images" / name, photos)
    categories = [{"id": key, "name": name} for name, key in ids.items()]
    document = {"images": images, "annotations": annotations, "categories": categories}
    _write_json(folder / "instances.json", document)
    return _written(len(images), len(annotations))


def write_sa1b(pictures: Iterable[Picture], folder: Path, *, photos: str = "copy") -> Written:
    """One JSON file a photo, beside it; categories are lost, since SA-1B has none.

    Raises:
        DataError: a photo is missing, or there is no picture.
    """
    number = objects = 0
    for number, (picture, name) in enumerate(_named(pictures), start=1):
        height, width = _hw(picture)
        rows = [{"id": objects + row, **_mask_fields(one.mask)} for row, one in enumerate(picture.objects, start=1)]
        objects += len(rows)
        image = {"image_id": number, "width": width, "height": height, "file_name": name}
        _place(picture.path, folder / name, photos)
        _write_json((folder / name).with_suffix(".json"), {"image": image, "annotations": rows})
    return _written(number, objects)


def write_yolo(pictures: Iterable[Picture], folder: Path, *, photos: str = "copy") -> Written:
    """``images/``, ``labels/``, ``classes.txt`` and a ``data.yaml``.

    One outline an object: parts and holes are joined to it by cuts of no width, and corners lie within half a pixel
    of the mask's own.

    Raises:
        DataError: a photo is missing, or there is no picture.
    """
    from sampipe.nodes.export.yolo import one_ring

    classes: dict[str, int] = {}
    written = objects = 0
    for picture, name in _named(pictures):
        height, width = _hw(picture)
        lines = []
        for one in picture.objects:
            class_id = classes.setdefault(" ".join(one.category.split()), len(classes))
            ring = one_ring(rle_polygons(one.mask, TOLERANCE)) / np.array([width, height])
            lines.append(" ".join([str(class_id), *(f"{value:.6f}" for value in ring.clip(0, 1).ravel())]))
        written, objects = written + 1, objects + len(lines)
        _place(picture.path, folder / "images" / name, photos)
        label = (folder / "labels" / name).with_suffix(".txt")
        write_atomic(label, "".join(f"{line}\n" for line in lines).encode())
    write_atomic(folder / "classes.txt", "".join(f"{name}\n" for name in classes).encode())
    names = "".join(f"  {key}: {json.dumps(name, ensure_ascii=False)}\n" for name, key in classes.items())
    write_atomic(folder / "data.yaml", f"path: .\ntrain: images\nval: images\nnames:\n{names}".encode())
    return _written(written, objects)


WRITERS: dict[str, Callable[..., Written]] = {"coco": write_coco, "sa1b": write_sa1b, "yolo": write_yolo}


def _named(pictures: Iterable[Picture]) -> Iterator[tuple[Picture, str]]:
    """Each picture with objects and a file name of its own, whatever folder it came from."""
    taken: set[str] = set()
    for picture in pictures:
        if not picture.objects:
            continue
        name = picture.path.name
        if Path(name).stem.casefold() in taken:
            name = f"{picture.path.parent.name}-{name}"
        stem, number = Path(name).stem, 1
        while Path(name).stem.casefold() in taken:
            number += 1
            name = f"{stem}-{number}{picture.path.suffix}"
        taken.add(Path(name).stem.casefold())
        yield picture, name


def _hw(picture: Picture) -> tuple[int, int]:
    return picture.objects[0].mask.hw


def _mask_fields(mask: RLE) -> dict[str, Any]:
    x0, y0, x1, y1 = (float(value) for value in mask.box)
    return {"segmentation": mask.to_coco(), "bbox": [x0, y0, x1 - x0, y1 - y0], "area": mask.area}


def _place(source: Path, target: Path, photos: str) -> None:
    """Copy or link a photo; one that is there already stays."""
    if not source.is_file():
        raise DataError(f"{source}: the photo is missing")
    if photos == "none" or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if photos == "link":
        target.symlink_to(os.path.relpath(source.resolve(), target.parent.resolve()))
        return
    with whole_file(target) as partial:
        shutil.copyfile(source, partial)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    write_atomic(path, json.dumps(document, allow_nan=False, ensure_ascii=False).encode())


def _written(pictures: int, objects: int) -> Written:
    if not pictures:
        raise DataError("nothing was written: no picture has an object")
    return Written(pictures, objects)
