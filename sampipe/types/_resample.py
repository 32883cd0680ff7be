"""Low-resolution logits to pixels, without ever building what stays empty.

The reference resizes bilinearly twice (segment-anything, ``postprocess_masks``; align_corners=False): the
logits to the model's square input, of which the padding is cut off, then to the image. Both steps are
linear and act on rows and columns apart, so together they are one matrix a side, ``pixels = R @ logits @
C.T``, with at most four weights a row. Here that product is taken in blocks, only where the result can lie
above the threshold, and transposed where run-length encoding will read columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sampipe.types import _runs
from sampipe.types._arrays import BoolArray, FloatArray, IntArray
from sampipe.types.frame import Frame
from sampipe.types.rle import RLE

if TYPE_CHECKING:
    import torch

_BLOCK = 128  # columns of pixels a product: the intermediate stays in the cache


@dataclass(frozen=True, eq=False)
class Axis:
    """The exact composition of both resizes along one side.

    Args:
        weights: float32 (pixels, low).
        first: for each pixel the first logit that it depends on; never decreases.
        stop: and the one after the last; never decreases.
    """

    weights: FloatArray
    first: IntArray
    stop: IntArray

    def reach(self, low_first: int, low_stop: int) -> tuple[int, int]:
        """The pixels that depend on any of the logits from ``low_first`` to ``low_stop`` (half-open)."""
        start = int(np.searchsorted(self.stop, low_first, side="right"))
        return start, max(start, int(np.searchsorted(self.first, low_stop, side="left")))


@lru_cache(maxsize=16)
def axis(low: int, input_size: int, resized: int, original: int) -> Axis:
    """The composition for one side: ``low`` → ``input_size``, cut to ``resized``, → ``original``."""
    to_input, input_weight = _taps(low, input_size)
    to_pixels, pixel_weight = _taps(resized, original)
    weights = np.zeros((original, low), dtype=np.float32)
    first, stop = np.full(original, low, dtype=np.int64), np.zeros(original, dtype=np.int64)
    pixels = np.arange(original)
    for outer in range(2):
        row = to_pixels[outer]
        for inner in range(2):
            column, weight = to_input[inner][row], pixel_weight[outer] * input_weight[inner][row]
            weights[pixels, column] += weight
            first = np.minimum(first, np.where(weight > 0, column, first))
            stop = np.maximum(stop, np.where(weight > 0, column + 1, stop))
    return Axis(weights, np.minimum.accumulate(first[::-1])[::-1], np.maximum.accumulate(stop))


def _taps(source: int, target: int) -> tuple[tuple[IntArray, IntArray], tuple[FloatArray, FloatArray]]:
    """The two source indices of each target index, and their weights; in float32, as the reference has it."""
    scale = np.float32(source) / np.float32(target)
    center = scale * (np.arange(target, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5)
    center = np.maximum(center, np.float32(0))
    left = np.minimum(center.astype(np.int64), source - 1)
    right = np.minimum(left + 1, source - 1)
    share = np.clip(center - left.astype(np.float32), np.float32(0), np.float32(1))
    return (left, right), (np.float32(1) - share, share)


def axes(frame: Frame, low: int) -> tuple[Axis, Axis]:
    """Rows and columns of ``frame`` for a (low, low) map."""
    (height, width), (resized_height, resized_width) = frame.original_hw, frame.resized_hw
    return (
        axis(low, frame.input_size, resized_height, height),
        axis(low, frame.input_size, resized_width, width),
    )


@dataclass(frozen=True, eq=False)
class Window:
    """The part of an image outside which a mask is empty.

    Args:
        offset_xy: where the part begins.
        transposed: bool (width, height); may have no pixels.
    """

    offset_xy: tuple[int, int]
    transposed: BoolArray

    def rle(self, hw: tuple[int, int]) -> RLE:
        """The mask in the whole image, as runs."""
        if self.transposed.size == 0:
            return RLE.empty(hw)
        width, height = self.transposed.shape
        runs = _runs.of_pixels(self.transposed.reshape(-1))
        return RLE(hw, _runs.compress(_runs.place(runs, (height, width), self.offset_xy, hw)))


def to_window(low: FloatArray, frame: Frame, threshold: float) -> Window:
    """The pixels of one (m, m) map of logits that lie above ``threshold``, where there may be any."""
    rows, columns = axes(frame, low.shape[0])
    (y0, y1), (x0, x1) = _reach(low > threshold, rows, columns)
    transposed = np.empty((x1 - x0, y1 - y0), dtype=np.bool_)
    for tile, weights, across in _tiles(low, rows, columns, (y0, y1), (x0, x1)):
        _compare(weights, across.T, threshold, out=transposed[tile])
    return Window((x0, y0), transposed)


def fill(low: FloatArray, frame: Frame, threshold: float, mask: BoolArray) -> None:
    """Set the pixels of an image (h, w) of False that lie above ``threshold``."""
    rows, columns = axes(frame, low.shape[0])
    (y0, y1), (x0, x1) = _reach(low > threshold, rows, columns)
    window = mask[y0:y1, x0:x1]
    for tile, weights, across in _tiles(low, rows, columns, (y0, y1), (x0, x1)):
        _compare(across, weights.T, threshold, out=window[:, tile])


def counts_above(low: FloatArray, frame: Frame, thresholds: Sequence[float]) -> list[int]:
    """How many pixels of the image lie above each threshold."""
    rows, columns = axes(frame, low.shape[0])
    counts = [0] * len(thresholds)
    down, right = _reach(low > min(thresholds), rows, columns)
    for _, weights, across in _tiles(low, rows, columns, down, right):
        values = _product(weights, across.T)
        for index, threshold in enumerate(thresholds):
            counts[index] += int((values > threshold).sum())
    return counts


def _compare(a: FloatArray, b: FloatArray, threshold: float, *, out: BoolArray) -> None:
    """Where the product lies above ``threshold``."""
    import torch

    torch.gt(_product(a, b), threshold, out=torch.from_numpy(out))


def _product(a: FloatArray, b: FloatArray) -> torch.Tensor:
    """``a @ b``, by torch: NumPy's threads, awake for a while after each product, would stand in the way of torch's."""
    import torch

    return torch.mm(torch.from_numpy(a), torch.from_numpy(b))


def _reach(above: BoolArray, rows: Axis, columns: Axis) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns of pixels beyond which no pixel lies above, a pixel being a weighted mean of logits."""
    return _pixels_of(above, 1, rows), _pixels_of(above, 0, columns)


def _pixels_of(above: BoolArray, across: int, side: Axis) -> tuple[int, int]:
    hits = np.flatnonzero(above.any(axis=across))
    return side.reach(int(hits[0]), int(hits[-1]) + 1) if hits.size else (0, 0)


def _tiles(
    low: FloatArray, down: Axis, right: Axis, rows: tuple[int, int], columns: tuple[int, int]
) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Full-size values, a few columns of pixels at a time, as two factors: ``across @ weights.T``.

    Yields:
        the columns, counted from ``columns[0]``; ``weights`` (columns, k); ``across`` (rows, k).
    """
    (y0, y1), (x0, x1) = rows, columns
    if y0 == y1 or x0 == x1:
        return
    used = slice(int(right.first[x0]), int(right.stop[x1 - 1]))
    across = np.empty((y1 - y0, used.stop - used.start), dtype=np.float32)
    for start in range(y0, y1, _BLOCK):  # a pixel depends on few logits: by blocks, little is multiplied by 0
        stop = min(start + _BLOCK, y1)
        near = slice(int(down.first[start]), int(down.stop[stop - 1]))
        across[start - y0 : stop - y0] = _product(down.weights[start:stop, near], low[near, used])
    for start in range(x0, x1, _BLOCK):
        stop = min(start + _BLOCK, x1)
        near = slice(int(right.first[start]), int(right.stop[stop - 1]))
        part = across[:, near.start - used.start : near.stop - used.start]
        yield slice(start - x0, stop - x0), right.weights[start:stop, near], part
