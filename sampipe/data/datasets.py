"""What is measured on: one data set, or any number of them in a YAML list."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.formats import read_images
from sampipe.data.report import ReadReport
from sampipe.errors import DataError

_KEYS = {"path": str, "name": str, "min_area": int, "limit": int}


@dataclass(frozen=True)
class DataSet:
    """Images with objects, under a name.

    Args:
        name: for tables.
        images: each has an object.
        min_area: the smallest object that counts, in px² of mask.
        report: what was read, and what was left out.
    """

    name: str
    images: tuple[AnnotatedImage, ...]
    min_area: int
    report: ReadReport = field(default_factory=ReadReport)


def read_data_sets(data: str | Path, *, min_area: int = 0, limit: int | None = None, seed: int = 0) -> list[DataSet]:
    """A folder in any format with masks as the one data set, or those that a YAML file lists.

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
        report = ReadReport()
        images = read_images(folder, min_area=least, limit=entry.get("limit", limit), seed=seed, report=report)
        data_sets.append(DataSet(entry.get("name", folder.resolve().name), tuple(images), least, report))
    names = [one.name for one in data_sets]
    if len(set(names)) < len(names):
        raise DataError(f"{path}: two data sets of one name in {', '.join(names)}; give each its own name:")
    return data_sets


def digest(data_sets: Sequence[DataSet]) -> str:
    """Of what is measured: the images' names and sizes of file, every box and every mask."""
    found = hashlib.blake2b(digest_size=16)
    for data_set in data_sets:
        found.update(f"{data_set.name};".encode())
        for image in data_set.images:
            size = image.path.stat().st_size if image.path.is_file() else -1
            found.update(f"{image.path.name}:{size};".encode())
            for truth in image.objects:
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
