"""Data sets whose masks are PNG files of numbers: PASCAL VOC, DAVIS, and folders like theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.types import RLE
from sampipe.types.coco import GroundTruth, Picture
from sampipe.types.image_files import SUFFIXES

VOID = 255
VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_VOC_FOLDERS = (("JPEGImages", "SegmentationObject"), ("images", "masks"))


def voc_files(folder: Path) -> list[tuple[Path, Path]]:
    """Photo and label picture of each annotated photo of a VOC-style folder, by name.

    ``JPEGImages/`` and ``SegmentationObject/``, or ``images/`` and ``masks/``.

    Raises:
        DataError: no such folders, or a photo is missing.
    """
    for photos, labels in _VOC_FOLDERS:
        if (folder / photos).is_dir() and (folder / labels).is_dir():
            return [(_photo(folder / photos, label), label) for label in sorted((folder / labels).glob("*.png"))]
    wanted = " or ".join(" and ".join(f"{name}/" for name in pair) for pair in _VOC_FOLDERS)
    raise DataError(f"{folder}: wanted {wanted}")


def davis_files(folder: Path) -> list[tuple[Path, Path]]:
    """Photo and label picture of every annotated frame of a DAVIS folder (``JPEGImages/``, ``Annotations/``).

    Raises:
        DataError: no such folders, or a photo is missing.
    """
    photos, labels = folder / "JPEGImages", folder / "Annotations"
    if not (photos.is_dir() and labels.is_dir()):
        raise DataError(f"{folder}: wanted JPEGImages/ and Annotations/")
    return [
        (_photo(photos / label.relative_to(labels).parent, label), label) for label in sorted(labels.rglob("*.png"))
    ]


def read_voc_picture(photo: Path, label: Path) -> Picture:
    """Each number of the label picture but 0 and 255 (void) is an object.

    Its class is what most of its pixels have in ``SegmentationClass/`` where there is such a folder, else "object".
    """
    numbers = read_label_picture(label)
    file = label.parent.parent / "SegmentationClass" / label.name
    classes = read_label_picture(file) if label.parent.name == "SegmentationObject" and file.is_file() else None
    if classes is not None and classes.shape != numbers.shape:
        raise DataError(f"{file}: it is {classes.shape}, the objects {numbers.shape} (height, width)")
    return Picture(photo, _objects(numbers, classes, without=(0, VOID)))


def read_davis_picture(photo: Path, label: Path) -> Picture:
    """Each number but 0 is an object; 255 is one where it is the only number (DAVIS 2016), else void."""
    numbers = read_label_picture(label)
    several = bool(((numbers != 0) & (numbers != VOID)).any())
    return Picture(photo, _objects(numbers, None, without=(0, VOID) if several else (0,)))


def read_label_picture(path: Path) -> NDArray[np.int64]:
    """The numbers in a palette, grey or 16-bit picture, (h, w).

    Raises:
        DataError: not a picture, or one with colours instead of numbers.
    """
    try:
        with Pillow.open(path) as picture:
            if picture.mode not in ("1", "L", "P") and not picture.mode.startswith("I"):
                raise DataError(f"{path}: a picture of mode {picture.mode}; wanted numbers: grey, palette or 16 bits")
            return np.asarray(picture).astype(np.int64)
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise DataError(f"{path} is not a readable picture: {error}") from error


def _objects(
    numbers: NDArray[np.int64], classes: NDArray[np.int64] | None, without: tuple[int, ...]
) -> tuple[GroundTruth, ...]:
    found = []
    for number in np.unique(numbers):
        if number in without:
            continue
        pixels = numbers == number
        mask = RLE.from_mask(pixels)
        x0, y0, x1, y1 = (float(value) for value in mask.box)
        found.append(GroundTruth(int(number), _category(classes, pixels), (x0, y0, x1, y1), mask))
    return tuple(found)


def _category(classes: NDArray[np.int64] | None, pixels: NDArray[np.bool_]) -> str:
    if classes is None:
        return "object"
    values, counts = np.unique(classes[pixels], return_counts=True)
    number = int(values[counts.argmax()])
    return VOC_CLASSES[number - 1] if 1 <= number <= len(VOC_CLASSES) else f"class {number}"


def _photo(folder: Path, label: Path) -> Path:
    for suffix in (".jpg", *SUFFIXES):
        if (folder / f"{label.stem}{suffix}").is_file():
            return folder / f"{label.stem}{suffix}"
    raise DataError(f"{label}: its photo is missing; wanted {folder / label.stem} with .jpg, .png or the like")
