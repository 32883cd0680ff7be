"""YOLO segmentation folders: ``images/``, ``labels/`` and the names of the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.types.coco import GroundTruth, Picture, segmentation_rle
from sampipe.types.image_files import SUFFIXES


def yolo_files(folder: Path) -> list[tuple[Path, Path]]:
    """Photo and label file of every photo that has one, by name; folders below (``train/``) are looked into too.

    Raises:
        DataError: no ``images/`` and ``labels/``.
    """
    photos, labels = folder / "images", folder / "labels"
    if not (photos.is_dir() and labels.is_dir()):
        raise DataError(f"{folder}: wanted images/ and labels/")
    files = sorted(path for path in photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    pairs = [(photo, (labels / photo.relative_to(photos)).with_suffix(".txt")) for photo in files]
    return [(photo, label) for photo, label in pairs if label.is_file()]


def class_names(folder: Path) -> dict[int, str]:
    """The names of the classes by number, from ``classes.txt`` or a ``data.yaml``; none where there is neither.

    Raises:
        DataError: a ``data.yaml`` without names.
    """
    for file in (folder / "classes.txt", folder / "labels" / "classes.txt"):
        if file.is_file():
            return dict(enumerate(file.read_text(encoding="utf-8").splitlines()))
    file = folder / "data.yaml"
    if not file.is_file():
        return {}
    try:
        names = yaml.safe_load(file.read_text(encoding="utf-8"))["names"]
        return {int(key): str(name) for key, name in (names.items() if isinstance(names, dict) else enumerate(names))}
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file}: no list of names: {error}") from error


def read_yolo_picture(photo: Path, label: Path, names: dict[int, str]) -> Picture:
    """One object a line: a class, then the corners of its outline as shares of width and height.

    Raises:
        DataError: a line is no outline (boxes have none), or the photo cannot be read.
    """
    try:
        with Pillow.open(photo) as picture:
            width, height = picture.size
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise DataError(f"{photo} is not a readable picture: {error}") from error
    objects = []
    for number, line in enumerate(label.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{label}: line {number}"
        class_id, ring = _outline(line, where)
        polygon = (ring * [width, height]).reshape(-1).tolist()
        mask = segmentation_rle([polygon], (height, width), where)
        x0, y0, x1, y1 = (float(value) for value in mask.box)
        name = names.get(class_id, f"class {class_id}")
        objects.append(GroundTruth(number, name, (x0, y0, x1, y1), mask))
    return Picture(photo, tuple(objects))


def _outline(line: str, where: str) -> tuple[int, np.ndarray]:
    try:
        class_id, *values = line.split()
        ring = np.array([float(value) for value in values]).reshape(-1, 2)
        number = int(class_id)
    except ValueError as error:
        raise DataError(f"{where} is not a class and x, y pairs: {error}") from error
    if len(ring) < 3:
        kind = "a box" if len(ring) == 2 else f"{len(ring)} corners"
        raise DataError(f"{where} holds {kind}; wanted an outline of three or more x, y pairs (segmentation labels)")
    if not np.isfinite(ring).all():
        raise DataError(f"{where}: a corner is not a finite number")
    return number, ring
