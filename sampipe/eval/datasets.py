"""What is measured on: one COCO folder, or any number of them in a YAML list."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sampipe.errors import DataError
from sampipe.types import Image
from sampipe.types.coco import Picture, read_coco

_KEYS = {"path": str, "name": str, "min_area": int, "limit": int}


@dataclass(frozen=True)
class DataSet:
    """Pictures with objects, under a name; ``min_area`` is the smallest object that counts, in px² of mask."""

    name: str
    pictures: tuple[Picture, ...]
    min_area: int


def read_data_sets(data: str | Path, *, min_area: int = 0, limit: int | None = None, seed: int = 0) -> list[DataSet]:
    """A COCO folder as the one data set, or those that a YAML file lists.

    An entry of the list is a folder, or a mapping with ``path`` and, where wanted, ``name``, ``min_area`` and
    ``limit``, which go before the arguments. Folders are looked for from the file's own place.

    Raises:
        DataError: a list, a folder or one of its files is not what it should be.
    """
    path = Path(data)
    listed = path.suffix in (".yaml", ".yml")
    data_sets = []
    entries: list[Mapping[str, Any]] = _entries(path) if listed else [{"path": path.name}]
    for entry in entries:
        folder, least = path.parent / entry["path"], entry.get("min_area", min_area)
        pictures = read_coco(folder, min_area=least, limit=entry.get("limit", limit), seed=seed)
        data_sets.append(DataSet(entry.get("name", folder.resolve().name), tuple(pictures), least))
    names = [one.name for one in data_sets]
    if len(set(names)) < len(names):
        raise DataError(f"{path}: two data sets of one name in {', '.join(names)}; give each its own name:")
    return data_sets


def open_picture(picture: Picture) -> Image:
    """The picture's file.

    Raises:
        DataError: it cannot be read, or is of another size than its annotations.
    """
    image = Image.open(picture.path)
    if image.hw != picture.objects[0].mask.hw:
        raise DataError(
            f"{picture.path}: the file is {image.hw}, its annotations {picture.objects[0].mask.hw} (height, width)"
        )
    return image


def digest(data_sets: Sequence[DataSet]) -> str:
    """Of what is measured: the pictures' names and sizes of file, every box and every mask."""
    found = hashlib.blake2b(digest_size=16)
    for data_set in data_sets:
        found.update(f"{data_set.name};".encode())
        for picture in data_set.pictures:
            size = picture.path.stat().st_size if picture.path.is_file() else -1
            found.update(f"{picture.path.name}:{size};".encode())
            for truth in picture.objects:
                found.update(f"{truth.id}{truth.xyxy}{truth.mask.hw}".encode() + truth.mask.counts)
    return found.hexdigest()


def _entries(path: Path) -> list[Mapping[str, Any]]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read as a YAML list of data sets: {error}") from error
    if not isinstance(document, list) or not document:
        raise DataError(f"{path}: wanted a YAML list of folders, got {type(document).__name__}")
    return [_entry(path, number, {"path": row} if isinstance(row, str) else row) for number, row in enumerate(document)]


def _entry(path: Path, number: int, row: Any) -> Mapping[str, Any]:
    if not isinstance(row, dict) or "path" not in row or not set(row) <= set(_KEYS):
        raise DataError(f"{path}: entry {number} is {row}; wanted a folder, or path with {', '.join(_KEYS)}")
    for key, value in row.items():
        if type(value) is not _KEYS[key]:
            raise DataError(f"{path}: entry {number} has {key}: {value!r}; wanted {_KEYS[key].__name__}")
    return row
