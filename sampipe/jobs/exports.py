"""The rows of a job as one file about all its images."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sampipe._files import whole_file, write_atomic
from sampipe.formats import cvat
from sampipe.jobs.rows import masks_of_row
from sampipe.jobs.shards import read_rows
from sampipe.nodes.export.coco import CocoObject, category_ids, coco_objects


def write_coco(rows: Path, output: str, path: Path) -> None:
    """Write what :class:`~sampipe.nodes.SaveCoco` would, whatever the number of rows: they are read one by one.

    Args:
        rows: the folder of shards.
        output: which masks of them.
        path: the JSON file; written whole or not at all.
    """
    ids = category_ids([(one.name, one.class_id) for row in _good(rows, output) for one in _objects(row, output)])
    categories = [{"id": number, "name": name} for name, number in sorted(ids.items(), key=lambda item: item[1])]
    with whole_file(path) as partial, partial.open("w", encoding="utf-8") as file:
        _list(file, '{"images": ', _images(rows, output))
        _list(file, ', "annotations": ', _annotations(rows, output, ids))
        _list(file, ', "categories": ', iter(categories))
        file.write("}")


def write_cvat(rows: Path, output: str, path: Path) -> None:
    """Write what :class:`~sampipe.nodes.SaveCvat` would."""
    write_atomic(path, cvat.write_cvat((_name(row), masks_of_row(row, output)) for row in _good(rows, output)).encode())


def _list(file: IO[str], before: str, items: Iterator[dict[str, Any]]) -> None:
    file.write(f"{before}[")
    for index, item in enumerate(items):
        file.write(", " if index else "")
        file.write(json.dumps(item, allow_nan=False, ensure_ascii=False))
    file.write("]")


def _good(rows: Path, output: str) -> Iterator[dict[str, Any]]:
    for row in read_rows(rows, ["path", "error", "height", "width", output]):
        if row["error"] is None:
            yield row


def _images(rows: Path, output: str) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(_good(rows, output), start=1):
        yield {"id": number, "file_name": _name(row), "width": row["width"], "height": row["height"]}


def _annotations(rows: Path, output: str, ids: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    count = 0
    for number, row in enumerate(_good(rows, output), start=1):
        for one in _objects(row, output):
            count += 1
            yield {"id": count, "image_id": number, "category_id": ids[one.name], **one.fields}


def _objects(row: Mapping[str, Any], output: str) -> list[CocoObject]:
    return list(coco_objects(masks_of_row(row, output)))


def _name(row: Mapping[str, Any]) -> str:
    return PurePosixPath(row["path"].replace("\\", "/")).name.removeprefix("sample:")
