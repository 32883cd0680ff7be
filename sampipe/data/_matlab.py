"""MATLAB's files of level 5, of which cells, structs and arrays of numbers are read, with every length checked.

After "MAT-File Format" (The MathWorks, 2024), chapter 1. SciPy's reader is C code that a damaged file can crash.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from sampipe.errors import DataError

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CELL, _STRUCT, _NUMBERS = 1, 2, range(6, 16)
_COMPLEX = 0x0800
_DEEPEST = 8
_LARGEST = 2**30  # bytes of an unpacked variable


def read_variables(data: bytes, place: str) -> dict[str, Any]:
    """The variables by name: an array of numbers each, a list of what is in a cell array, or a list of dicts.

    Raises:
        DataError: it is no such file, damaged, or holds other kinds of variables.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEADER])
    if order is None:
        raise DataError(f"{place}: not a MATLAB file of level 5 (save it with -v7 or -v6)")
    reader = _Reader(order, place)
    found = {}
    for kind, content in reader.elements(data[_HEADER:]):
        if kind == _COMPRESSED:
            kind, content = next(reader.elements(reader.unpacked(content)), (0, b""))
        if kind == _MATRIX:
            name, value = reader.matrix(content)
            found[name] = value
    return found


@dataclass(frozen=True)
class _Reader:
    order: str
    place: str

    def refuse(self, why: str) -> NoReturn:
        raise DataError(f"{self.place}: a damaged MATLAB file: {why}")

    def unpacked(self, content: bytes) -> bytes:
        unpacker = zlib.decompressobj()
        try:
            found = unpacker.decompress(content, _LARGEST)
        except zlib.error as error:
            self.refuse(str(error))
        if unpacker.unconsumed_tail:
            self.refuse(f"more than {_LARGEST} bytes are packed in it")
        return found

    def elements(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Type and content of each element; one of up to four bytes has its length in the type's word."""
        at = 0
        while at < len(data):
            if at + 8 > len(data):
                self.refuse("it ends within an element")
            kind, size = (int(one) for one in np.frombuffer(data, f"{self.order}u4", 2, at))
            start = at + 8
            if kind >> 16:
                kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            short = start == at + 4
            if size > (4 if short else len(data) - start):
                self.refuse("an element is longer than the file")
            yield kind, data[start : start + size]
            at = at + 8 if short else start + size + (0 if kind == _COMPRESSED else -size % 8)

    def numbers(self, element: tuple[int, bytes]) -> np.ndarray:
        kind, content = element
        stored = np.dtype(self.order + _STORED[kind]) if kind in _STORED else self.refuse(f"numbers of the type {kind}")
        if len(content) % stored.itemsize:
            self.refuse("an array ends within a number")
        return np.frombuffer(content, stored)

    def matrix(self, content: bytes, depth: int = 0) -> tuple[str, Any]:
        """Name and value."""
        parts = self.elements(content)
        head = [part for _, part in zip(range(3), parts, strict=False)]
        if not head:
            return "", np.zeros((0, 0))
        if len(head) < 3 or depth > _DEEPEST:
            self.refuse("an array without flags, size and name, or within too many others")
        flags, shape = self.numbers(head[0]), self.numbers(head[1]).astype(np.int64).tolist()
        count = math.prod(shape)
        if not flags.size or not 2 <= len(shape) <= 8 or min(shape) < 0 or count > _LARGEST:
            self.refuse(f"an array of the size {shape}")
        name, kind = head[2][1].decode("latin-1"), int(flags[0]) & 0xFF
        if kind == _CELL:
            return name, self.several(parts, count, depth)
        if kind == _STRUCT:
            return name, self.structs(parts, count, depth)
        if kind not in _NUMBERS or int(flags[0]) & _COMPLEX:
            self.refuse(f"an array of the class {kind}, neither numbers, cell nor struct")
        values = self.numbers(next(parts, (0, b"")))
        if values.size != count:
            self.refuse(f"{values.size} numbers in an array of the size {shape}")
        return name, values.reshape(shape, order="F")

    def several(self, parts: Iterator[tuple[int, bytes]], count: int, depth: int) -> list[Any]:
        """The next values, each a matrix."""
        found: list[Any] = []
        for _ in range(count):
            kind, content = next(parts, (0, b""))
            if kind != _MATRIX:
                self.refuse(f"{len(found)} values in a place of {count}")
            found.append(self.matrix(content, depth + 1)[1])
        return found

    def structs(self, parts: Iterator[tuple[int, bytes]], count: int, depth: int) -> list[dict[str, Any]]:
        length = self.numbers(next(parts, (0, b"")))
        names = next(parts, (0, b""))[1]
        size = int(length[0]) if length.size else 0
        if size < 1 or len(names) % size:
            self.refuse("names of fields without a length")
        fields = [names[at : at + size].split(b"\0")[0].decode("latin-1") for at in range(0, len(names), size)]
        return [
            dict(zip(fields, self.several(parts, len(fields), depth), strict=True))
            for _ in range(count if fields else 0)
        ]
