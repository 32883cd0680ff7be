"""Arithmetic on the runs of a column-major mask: background first, then foreground, in turns.

The compressed form is COCO's: six bits a character from "0" on, five of them payload (low first, sign
extended) and one that says more follow; from the fourth run on, the difference to the run two before is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError
from sampipe.types._arrays import BoolArray, FloatArray, IntArray

_MAX_CHARACTERS = 7  # of one run: 35 bits, more than the 32 that the format allows


def parse(counts: bytes) -> IntArray:
    """The runs of compressed ``counts``, int64.

    Raises:
        DataError: the bytes are no compressed runs.
    """
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    if codes.size == 0 or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise DataError(f"RLE: counts of {len(counts)} bytes are not COCO's compressed runs, or are cut short")
    last = np.flatnonzero((codes & 32) == 0)
    first = np.concatenate(([0], last[:-1] + 1))
    if int((last - first).max()) >= _MAX_CHARACTERS:
        raise DataError("RLE: a run longer than any image; the counts are corrupt")
    place_in_run = np.arange(codes.size) - np.repeat(first, last - first + 1)
    values = np.add.reduceat((codes & 31) << (5 * place_in_run), first)
    negative = (codes[last] & 16) != 0
    values -= np.where(negative, np.int64(1) << (5 * (last - first + 1)), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    if values.min() < 0:
        raise DataError("RLE: a run of negative length; the counts are corrupt")
    return values


def checked(runs: Sequence[int]) -> IntArray:
    """Uncompressed runs from outside, int64.

    Raises:
        DataError: not a list of whole numbers from 0 up.
    """
    try:
        array = np.asarray(runs)
        with np.errstate(invalid="ignore"):  # of NaN, which is no whole number below
            whole = array.astype(np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError("RLE: wanted counts as str, bytes or a list of run lengths") from error
    if whole.ndim != 1 or whole.size == 0 or bool((whole != array).any()) or whole.min() < 0:
        raise DataError("RLE: run lengths are whole numbers from 0 up, and there is at least one")
    return whole


def compress(runs: IntArray) -> bytes:
    """COCO's compressed bytes of the runs."""
    import pycocotools.mask

    total = int(runs.sum())
    coco: Any = pycocotools.mask  # its stubs know less than it does
    counts: bytes = coco.frPyObjects({"size": [total, 1], "counts": runs.tolist()}, total, 1)["counts"]
    return counts


def of_pixels(flat: NDArray[Any]) -> IntArray:
    """The runs of a mask given pixel by pixel, column after column; not empty."""
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate(([0] if not flat[0] else [0, 0], changes, [flat.size]))
    return np.diff(bounds)


def to_pixels(runs: IntArray) -> BoolArray:
    """The pixels of the runs, column after column."""
    return np.repeat(np.arange(runs.size) % 2 == 1, runs)


def columns(runs: IntArray, hw: tuple[int, int], x0: int, x1: int) -> BoolArray:
    """The pixels of the columns from ``x0`` to ``x1``, outside which there is nothing: (x1 - x0, height)."""
    height, width = hw
    if x0 == x1:
        return np.zeros((0, height), dtype=np.bool_)
    inner = runs.copy() if runs[1:].all() else canonical(runs)  # the first and the last run with pixels are cut
    inner[0] -= x0 * height
    if inner.size % 2 == 1:  # it ends with background
        inner[-1] -= (width - x1) * height
    return to_pixels(inner).reshape(x1 - x0, height)


def intervals(runs: IntArray) -> tuple[IntArray, IntArray]:
    """Starts and ends (half-open) of the foreground runs that have pixels."""
    ends = np.cumsum(runs)
    starts, stops = ends[0::2][: runs.size // 2], ends[1::2]
    kept = stops > starts
    return starts[kept], stops[kept]


def from_intervals(starts: IntArray, stops: IntArray, total: int) -> IntArray:
    """Runs of the sorted, disjoint intervals; those that touch become one."""
    if starts.size == 0:
        return np.array([total], dtype=np.int64)
    apart = starts[1:] > stops[:-1]
    starts = starts[np.concatenate(([True], apart))]
    stops = stops[np.concatenate((apart, [True]))]
    bounds = np.stack([starts, stops], axis=1).reshape(-1)
    runs = np.diff(bounds, prepend=0)
    return runs if stops[-1] == total else np.append(runs, total - stops[-1])


def canonical(runs: IntArray) -> IntArray:
    """The same pixels, without runs of no length (but the first)."""
    return from_intervals(*intervals(runs), int(runs.sum()))


def by_column(runs: IntArray, height: int) -> tuple[IntArray, IntArray]:
    """The foreground intervals, cut where a column ends."""
    starts, stops = intervals(runs)
    first, last = starts // height, (stops - 1) // height
    pieces = last - first + 1
    index = np.repeat(np.arange(starts.size), pieces)
    column = first[index] + np.arange(index.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.maximum(starts[index], column * height), np.minimum(stops[index], (column + 1) * height)


def box(runs: IntArray, hw: tuple[int, int]) -> FloatArray:
    """The tight half-open box (4,) of the foreground; zeros if there is none. Read-only."""
    found = np.zeros(4, dtype=np.float32)
    starts, stops = intervals(runs)
    if starts.size:
        height = hw[0]
        x0, x1 = starts[0] // height, (stops[-1] - 1) // height + 1
        wraps = bool((starts // height != (stops - 1) // height).any())
        y0 = 0 if wraps else (starts % height).min()
        y1 = height if wraps else ((stops - 1) % height).max() + 1
        found[:] = x0, y0, x1, y1
    found.flags.writeable = False
    return found


def place(runs: IntArray, hw: tuple[int, int], offset_xy: tuple[int, int], outer_hw: tuple[int, int]) -> IntArray:
    """The runs of the same mask in a larger image."""
    starts, stops = by_column(runs, hw[0])
    (x, y), (height, width) = offset_xy, outer_hw
    column = starts // hw[0]
    shift = (column + x) * height + y - column * hw[0]
    return from_intervals(starts + shift, stops + shift, height * width)
