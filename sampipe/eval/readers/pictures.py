"""Any data set that there is a reader for, as pictures with objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from sampipe.errors import DataError
from sampipe.eval.annotations import AnnotatedImage, read_annotations
from sampipe.eval.readers.bsds import BsdsPicture, read_bsds
from sampipe.eval.readers.label_pictures import davis_files, read_davis_picture, read_voc_picture, voc_files
from sampipe.eval.readers.yolo import class_names, read_yolo_picture, yolo_files
from sampipe.types import RLE
from sampipe.types.coco import GroundTruth, Picture, read_coco
from sampipe.types.sa1b import read_sa1b_file, sa1b_files

Reads = Callable[[], Picture]
"""One picture, read when it is asked for."""


def read_pictures(
    folder: str | Path, kind: str = "auto", *, min_area: int = 0, limit: int | None = None, seed: int = 0
) -> Iterator[Picture]:
    """The pictures of a folder one after the other, with their objects of at least ``min_area`` px².

    Pictures without such an object come too, with none. Only COCO and LVIS, which are one file, are held in memory.

    Args:
        folder: of the data set.
        kind: one of :data:`KINDS`, or ``auto``: told by what is in the folder.
        min_area: smallest mask in square pixels.
        limit: at most so many pictures, drawn with ``seed``.
        seed: of that draw.

    Raises:
        DataError: the folder or one of its files is not what it should be.
    """
    pictures = list_pictures(Path(folder), kind)
    for index in drawn(len(pictures), limit, seed):
        picture = pictures[index]()
        yield Picture(picture.path, tuple(one for one in picture.objects if one.mask.area >= max(min_area, 1)))


def list_pictures(folder: Path, kind: str = "auto") -> list[Reads]:
    """A reader for each picture of the folder.

    Raises:
        DataError: an unknown kind, or nothing to read.
    """
    name = kind_of(folder) if kind == "auto" else kind
    if name not in _LISTS:
        raise DataError(f"kind: got {kind!r}; there are auto, {', '.join(KINDS)}")
    pictures = _LISTS[name](folder)
    if not pictures:
        raise DataError(f"{folder}: no annotated picture of kind {name}")
    return pictures


def kind_of(folder: Path) -> str:
    """The kind of data set by what is in its folder.

    Raises:
        DataError: nothing that any reader knows.
    """

    def has(*names: str) -> bool:
        return all(any(folder.glob(name)) for name in names)

    marks = {
        "coco": has("instances.json*"),
        "lvis": has("lvis*.json*"),
        "bsds": any(has(f"{place}groundTruth") for place in ("", "data/", "BSDS500/data/", "BSR/BSDS500/data/")),
        "voc": has("JPEGImages", "SegmentationObject") or has("images", "masks"),
        "davis": has("JPEGImages", "Annotations"),
        "yolo": has("images", "labels"),
        "sa1b": any(folder.rglob("*.json")),
    }
    found = next((kind for kind, there in marks.items() if there), None)
    if found is None:
        raise DataError(f"{folder}: not a data set of a known kind ({', '.join(KINDS)})")
    return found


def drawn(count: int, limit: int | None, seed: int) -> list[int]:
    """Numbers below ``count``, ascending: all, or ``limit`` of them by chance.

    Raises:
        DataError: a limit below 1.
    """
    if limit is None or limit >= count:
        return list(range(count))
    if limit < 1:
        raise DataError(f"limit: got {limit}, wanted 1 or more pictures")
    return sorted(np.random.default_rng(seed).choice(count, size=limit, replace=False).tolist())


def _coco(folder: Path) -> list[Reads]:
    return [partial(_itself, picture) for picture in read_coco(folder)]


def _itself(picture: Picture) -> Picture:
    return picture


def _lvis(folder: Path) -> list[Reads]:
    files = sorted(folder.glob("lvis*.json*"))
    if len(files) != 1:
        raise DataError(f"{folder}: {len(files)} files lvis*.json; wanted one")
    found = read_annotations(folder, annotations=files[0])
    names = {key: str(row["name"]) for key, row in found.categories.items()}

    def read(image: AnnotatedImage) -> Picture:
        rows = zip(image.truths, image.masks(), strict=True)
        truths = (_truth(row["id"], names[row["category_id"]], mask) for row, mask in rows if not row["iscrowd"])
        return Picture(image.path, tuple(truths))

    return [partial(read, image) for image in found.images]


def _sa1b(folder: Path) -> list[Reads]:
    return [partial(read_sa1b_file, file) for file in sa1b_files(folder)]


def _voc(folder: Path) -> list[Reads]:
    return [partial(read_voc_picture, *pair) for pair in voc_files(folder)]


def _davis(folder: Path) -> list[Reads]:
    return [partial(read_davis_picture, *pair) for pair in davis_files(folder)]


def _yolo(folder: Path) -> list[Reads]:
    names = class_names(folder)
    return [partial(read_yolo_picture, *pair, names) for pair in yolo_files(folder)]


def _bsds(folder: Path) -> list[Reads]:
    splits = ("train", "val", "test")
    base = next(path.parent for path in [folder / "groundTruth", *folder.rglob("groundTruth")] if path.is_dir())
    there = [split for split in splits if (base / "groundTruth" / split).is_dir()]
    pictures = [picture for split in there for picture in read_bsds(base, split)]
    return [partial(_regions, one) for one in pictures]


def _regions(picture: BsdsPicture) -> Picture:
    """The regions of the first annotator."""
    regions = picture.regions()[0]
    truths = (_truth(int(number), "region", RLE.from_mask(regions == number)) for number in np.unique(regions))
    return Picture(picture.path, tuple(truths))


def _truth(key: int, category: str, mask: RLE) -> GroundTruth:
    x0, y0, x1, y1 = (float(value) for value in mask.box)
    return GroundTruth(key, category, (x0, y0, x1, y1), mask)


_LISTS: dict[str, Callable[[Path], list[Reads]]] = {
    "coco": _coco,
    "lvis": _lvis,
    "sa1b": _sa1b,
    "bsds": _bsds,
    "davis": _davis,
    "voc": _voc,
    "yolo": _yolo,
}
KINDS = tuple(_LISTS)
