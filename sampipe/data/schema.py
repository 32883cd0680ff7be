"""The schema of foreign rows: everything is checked here before anything is computed with it.

Errors name the file, the row and the field, and say what was there and what was wanted.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from sampipe.data._text import decode_text
from sampipe.data.annotated import Id
from sampipe.errors import DataError
from sampipe.types import RLE

LARGEST_COORDINATE = 1e6
"""Pixels. No image is so large; C code that fills polygons needs memory by their extent."""
LARGEST_IMAGE = 2**31 - 1
"""Pixels of a mask."""
_SHOWN = 60

T = TypeVar("T")


def refuse(place: str, value: object, wanted: str) -> NoReturn:
    """Raise the error about a value.

    Raises:
        DataError: always.
    """
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    raise DataError(f"{place}: got {shown}, wanted {wanted}")


def read_bytes(file: Path) -> bytes:
    """What is in a file; of a ``.gz``, what is packed in it.

    Raises:
        DataError: it cannot be read or unpacked.
    """
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if file.suffix == ".gz" else data
    except (EOFError, OSError, ValueError, zlib.error) as error:  # ValueError: a zero in the name
        raise DataError(f"{file}: cannot be read: {error}") from error


def parse_json(data: str | bytes, place: str) -> Any:
    """The JSON value in a text.

    Raises:
        DataError: it is no JSON, or nested without end.
    """
    text = data if isinstance(data, str) else decode_text(data, place)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: cannot be read as JSON: {error}") from error


def read_json(file: Path) -> Any:
    """The JSON value in a file, packed or not.

    Raises:
        DataError: it cannot be read.
    """
    return parse_json(read_bytes(file), str(file))


def read_table(file: Path, wanted: Iterable[str] = (), *, delimiter: str = ",") -> tuple[list[str], list[Row]]:
    """The columns that the first line of a CSV file names, and a row for each other line; empty cells are None.

    Args:
        file: UTF-8, with or without a byte order mark.
        wanted: columns that must be there.
        delimiter: between columns.

    Raises:
        DataError: it cannot be read, a column is missing, a line has more cells than the first, or a quote has no end,
            so that the lines after it would be one cell.
    """
    if len(delimiter) != 1 or delimiter in '\r\n"':
        refuse("delimiter", delimiter, "one sign")
    text = decode_text(read_bytes(file), str(file))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(f"{file}: line {reader.line_num}", values) for values in reader]
        names = [name.strip() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise DataError(f"{file}: line {reader.line_num + 1}: cannot be read as CSV: {error}") from error
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f"{file}: the first line names the column {twice[0]} twice")
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DataError(f"{file}: no column {', '.join(missing)}; there are {', '.join(names) or 'none'}")
    for place, values in lines:
        if any(values.pop(None, ())):  # type: ignore[call-overload]
            raise DataError(f"{place}: more cells than the {len(names)} columns of the first line")
    return names, [Row({k.strip(): (v or "").strip() or None for k, v in one.items()}, place) for place, one in lines]


class Row:
    """A foreign row: a mapping whose fields are checked as they are taken.

    Args:
        value: what the file has.
        place: file and row, for messages.

    Raises:
        DataError: it is no mapping.
    """

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            refuse(place, value, "an object with named fields")
        self.value: dict[str, Any] = value
        self.place = place

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self.value.get(key) is not None

    def take(self, key: str) -> Any:
        """The field.

        Raises:
            DataError: it is missing or null.
        """
        if key not in self.value:
            raise DataError(f"{self.place}: lacks {key}; it has {', '.join(map(str, self.value)) or 'no field'}")
        if self.value[key] is None:
            refuse(f"{self.place}: {key}", None, "a value")
        return self.value[key]

    def row(self, key: str) -> Row:
        """A mapping in the field."""
        return Row(self.take(key), f"{self.place}: {key}")

    def rows(self, key: str, *, optional: bool = False) -> list[Row]:
        """A list of mappings in the field; with ``optional`` it may be missing."""
        if optional and not self.has(key):
            return []
        found = self.take(key)
        if not isinstance(found, list):
            refuse(f"{self.place}: {key}", found, "a list")
        return [Row(one, f"{self.place}: {key}[{index}]") for index, one in enumerate(found)]

    def text(self, key: str) -> str:
        """Text; a number is taken as its digits."""
        found = self.take(key)
        odd = isinstance(found, float) and not math.isfinite(found)
        if odd or isinstance(found, bool) or not isinstance(found, str | int | float):
            refuse(f"{self.place}: {key}", found, "text")
        return checked_text(str(found), f"{self.place}: {key}")

    def file_name(self, key: str) -> str:
        """A file's name, which may hold bytes that are no UTF-8, as Python spells them."""
        found = self.take(key)
        try:
            os.fsencode(found)
        except (TypeError, UnicodeEncodeError, ValueError):
            return self.text(key)
        return str(found)

    def number(self, key: str, *, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number."""
        return number(self.take(key), f"{self.place}: {key}", least=least, most=most)

    def optional_number(self, key: str, *, least: float = -math.inf, most: float = math.inf) -> float | None:
        """A finite number, or None where the field is missing or null."""
        return self.number(key, least=least, most=most) if self.has(key) else None

    def whole(self, key: str, *, least: int, most: int) -> int:
        """A whole number."""
        return whole(self.take(key), f"{self.place}: {key}", least=least, most=most)

    def id(self, key: str) -> Id:
        """A whole number or text that names something."""
        return identifier(self.take(key), f"{self.place}: {key}")

    def hw(self, height: str = "height", width: str = "width") -> tuple[int, int]:
        """Height and width of an image."""
        found = self.whole(height, least=1, most=10**6), self.whole(width, least=1, most=10**6)
        if found[0] * found[1] > LARGEST_IMAGE:
            refuse(f"{self.place}: {height}, {width}", found, f"at most {LARGEST_IMAGE} pixels")
        return found

    def flag(self, key: str) -> bool:
        """0, 1, false or true; missing or null is false."""
        found = self.value.get(key)
        if found not in (None, 0, 1):
            refuse(f"{self.place}: {key}", found, "0 or 1")
        return bool(found)

    def numbers(self, key: str, count: int | None = None) -> list[float]:
        """A list of finite numbers that can be coordinates."""
        return coordinates(self.take(key), f"{self.place}: {key}", count)


def number(value: Any, place: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number; text of digits is taken as one.

    Raises:
        DataError: it is something else, or out of range.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | np.number):
            raise ValueError
        found = float(value)
    except (ValueError, OverflowError):
        refuse(place, value, "a number")
    if not math.isfinite(found):
        refuse(place, value, "a finite number")
    if not least <= found <= most:
        refuse(place, value, f"a number from {least:g} to {most:g}")
    return found


def whole(value: Any, place: str, *, least: int, most: int) -> int:
    """A whole number; 3.0 and "3" are 3.

    Raises:
        DataError: it is something else, or out of range.
    """
    found = number(value, place)
    if found != int(found) or not least <= found <= most:
        refuse(place, value, f"a whole number from {least} to {most}")
    return int(found)


def identifier(value: Any, place: str) -> Id:
    """A whole number or text that names something; 3.0 is 3, and "3" stays text.

    Raises:
        DataError: it is something else.
    """
    if isinstance(value, str):
        return checked_text(value, place)
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(place, value, "a whole number or text as an id")
    return int(value)


def checked_text(value: str, place: str) -> str:
    """Text without halves of characters, which no file could hold.

    Raises:
        DataError: it has some.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        refuse(place, value, "text that is Unicode")
    return value


def coordinates(value: Any, place: str, count: int | None = None) -> list[float]:
    """A flat list of finite numbers of no more than :data:`LARGEST_COORDINATE`.

    Raises:
        DataError: it is something else, or of another length than ``count``.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or (count is not None and len(value) != count):
        refuse(place, value, "numbers" if count is None else f"{count} numbers")
    most = LARGEST_COORDINATE
    return [number(one, f"{place}[{index}]", least=-most, most=most) for index, one in enumerate(value)]


def upright(xyxy: tuple[float, float, float, float], place: str) -> tuple[float, float, float, float]:
    """A box whose second corner lies right of and below the first.

    Raises:
        DataError: it does not.
    """
    x0, y0, x1, y1 = xyxy
    if x1 < x0 or y1 < y0:
        refuse(place, list(xyxy), "a box x0, y0, x1, y1 with x1 right of x0 and y1 below y0")
    return xyxy


def corners(value: Any, place: str, *, least: int) -> np.ndarray:
    """Points (k, 2) of a list of pairs.

    Raises:
        DataError: it is something else, or fewer than ``least``.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < least:
        refuse(place, value, f"{least} or more points x, y")
    return np.array([coordinates(one, f"{place}[{index}]", 2) for index, one in enumerate(value)], np.float64)


def polygons(value: Any, place: str) -> list[list[float]]:
    """COCO's polygons: lists of x, y, x, y ... of three or more corners each; a flat list is one polygon.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(value, list):
        refuse(place, value, "a list of polygons, or run lengths")
    if value and not any(isinstance(one, list) for one in value):
        value = [value]
    found = []
    for index, one in enumerate(value):
        ring = coordinates(one, f"{place}[{index}]")
        if len(ring) < 6 or len(ring) % 2:
            refuse(f"{place}[{index}]", one, "a polygon of three or more x, y pairs")
        found.append(ring)
    return found


def check_segmentation(value: Any, hw: tuple[int, int], place: str) -> None:
    """COCO's polygons or run lengths, but for the runs themselves, which :func:`segmentation_rle` reads.

    Raises:
        DataError: it is something else, or run lengths of another size.
    """
    if not isinstance(value, dict):
        polygons(value, place)
        return
    size = coordinates(Row(value, place).take("size"), f"{place}: size", 2)
    if tuple(size) != hw:
        raise DataError(f"{place}: its mask is {tuple(map(int, size))}, its image {hw} (height, width)")
    if not isinstance(value.get("counts"), str | bytes | list):
        refuse(f"{place}: counts", value.get("counts"), "run lengths, as text or a list of numbers")


def segmentation_rle(value: Any, hw: tuple[int, int], place: str) -> RLE:
    """A COCO segmentation (polygons or run lengths) on an image of (height, width).

    Polygons are filled as pycocotools does.

    Raises:
        DataError: it is something else, or does not fit the image.
    """
    from pycocotools import mask as coco_mask

    check_segmentation(value, hw, place)
    if isinstance(value, dict):
        try:
            return RLE.from_coco(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{place}: {error}") from error
    rings = polygons(value, place)
    if not rings:
        return RLE.empty(hw)
    merged = coco_mask.merge(coco_mask.frPyObjects(rings, *hw))
    return RLE(hw=hw, counts=merged["counts"])


def unique(items: Iterable[tuple[Id, str]], what: str) -> None:
    """Ids are there once; 1 and "1" are the same.

    Raises:
        DataError: one is there twice; names both places.
    """
    seen: dict[str, str] = {}
    for key, place in items:
        if str(key) in seen:
            raise DataError(f"{place}: the id {key!r} of {what} is there already: {seen[str(key)]}; ids must differ")
        seen[str(key)] = place


class ById(dict[str, T]):
    """Values by id, whatever the id's type: 1, 1.0 and "1" are the same."""

    def __init__(self, items: Iterable[T], key: Callable[[T], Id]) -> None:
        super().__init__((str(key(item)), item) for item in items)

    def find(self, key: Id) -> T | None:
        """The value, or None."""
        return self.get(str(key))
