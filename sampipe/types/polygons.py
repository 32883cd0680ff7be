"""Outlines of masks along the pixels' edges: exteriors, and the holes that belong to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.types._arrays import BoolArray, FloatArray, IntArray, Value, read_only
from sampipe.types.rle import RLE


@dataclass(frozen=True, eq=False, repr=False)
class Polygon(Value):
    """One connected part of a mask.

    Coordinates are pixel edges: the pixel (0, 0) has the corners (0, 0), (1, 0), (1, 1), (0, 1), as half-open
    boxes have it.

    Args:
        exterior: float32 (k, 2) x, y, clockwise as seen on the screen, the first corner not repeated.
        holes: the same for each hole, counter-clockwise.
    """

    exterior: FloatArray
    holes: tuple[FloatArray, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "exterior", _ring(self.exterior))
        object.__setattr__(self, "holes", tuple(_ring(hole) for hole in self.holes))

    @property
    def area(self) -> float:
        """Area in pixels, holes taken off."""
        return _area(self.exterior) - sum(_area(hole) for hole in self.holes)

    def __repr__(self) -> str:
        return f"Polygon({len(self.exterior)} corners, {len(self.holes)} holes)"


def trace(mask: BoolArray, offset_xy: tuple[int, int] = (0, 0)) -> list[Polygon]:
    """The polygons of a bool (h, w) mask, one for each part that hangs together by pixel edges.

    Filled again they give exactly the mask. Pixels that touch at a corner only are two parts; rings are
    simple: none crosses or touches itself. ``offset_xy`` is added to the coordinates.
    """
    if not mask.any():
        return []
    padded = np.pad(mask, 1)
    exteriors: list[IntArray] = []
    inner: list[IntArray] = []
    for ring in _rings(padded):
        (exteriors if padded[ring[0, 1], ring[0, 0]] else inner).append(ring)
    holes: list[list[FloatArray]] = [[] for _ in exteriors]
    shift = np.array(offset_xy) - 1
    for ring, part in zip(inner, _owners(inner, exteriors, padded), strict=True):
        holes[part].append((ring + shift).astype(np.float32))
    return [Polygon((ring + shift).astype(np.float32), tuple(own)) for ring, own in zip(exteriors, holes, strict=True)]


def _owners(holes: list[IntArray], exteriors: list[IntArray], padded: BoolArray) -> list[int]:
    """For each hole the number of the exterior around the part that it lies in."""
    if len(exteriors) == 1 or not holes:
        return [0] * len(holes)  # nothing to tell apart, so no labels: they take longer than all the rest
    from scipy import ndimage

    labels: Any = ndimage.label(padded)
    parts = labels[0]
    number = {int(parts[ring[0, 1], ring[0, 0]]): i for i, ring in enumerate(exteriors)}
    return [number[int(parts[ring[0, 1] - 1, ring[0, 0]])] for ring in holes]


def rle_polygons(rle: RLE, tolerance: float = 0.0) -> list[Polygon]:
    """The polygons of a run-length mask, with fewer corners where ``tolerance`` (pixels) allows."""
    if rle.area == 0:
        return []
    x0, y0, x1, y1 = (int(value) for value in rle.box)
    polygons = trace(rle.decode()[y0:y1, x0:x1], (x0, y0))
    return [simplify(polygon, tolerance) for polygon in polygons] if tolerance > 0 else polygons


def simplify(polygon: Polygon, tolerance: float) -> Polygon:
    """Fewer corners, none further than ``tolerance`` pixels from the outline (Douglas and Peucker 1973)."""
    import skimage.measure

    measure: Any = skimage.measure  # untyped

    def reduced(ring: FloatArray) -> FloatArray:
        closed = np.concatenate([ring, ring[:1]])
        corners: FloatArray = measure.approximate_polygon(closed, tolerance)[:-1].astype(np.float32)
        return corners if len(corners) >= 3 else ring

    return Polygon(reduced(polygon.exterior), tuple(reduced(hole) for hole in polygon.holes))


def _rings(padded: BoolArray) -> Iterator[IntArray]:
    """Closed simple rings of corners (k, 2) x, y, each from its topmost, then leftmost corner.

    On every grid line the corners pair up, first with second, third with fourth and so on: that gives all
    edges at once. Where two pixels touch at a corner only, the corner counts twice and the pairing keeps the
    pixels apart.
    """
    x, y, flipped = _corners(padded)
    copy = np.concatenate(([False], (x[1:] == x[:-1]) & (y[1:] == y[:-1])))
    along_row, along_column = _partners(y, x, copy), _partners(x, y, copy ^ flipped)
    width = padded.shape[1] + 1
    unseen = np.ones(x.size, dtype=np.bool_)
    for start in range(x.size):
        if not unseen[start]:
            continue
        loop, here = [], start
        while unseen[here]:
            there = int(along_row[here])
            unseen[here] = unseen[there] = False
            loop += [here, there]
            here = int(along_column[there])
        for ring in _simple(y[loop] * width + x[loop]):
            yield _oriented(np.stack([ring % width, ring // width], axis=1), padded)


def _corners(padded: BoolArray) -> tuple[IntArray, IntArray, BoolArray]:
    """Corners of outlines, row by row: x, y, and whether a double corner joins to the edge below first."""
    top_left, top_right = padded[:-1, :-1], padded[:-1, 1:]
    bottom_left, bottom_right = padded[1:, :-1], padded[1:, 1:]
    double = (top_left == bottom_right) & (top_right == bottom_left) & (top_left != top_right)
    corner = (top_left ^ top_right ^ bottom_left ^ bottom_right) | double
    y, x = np.nonzero(corner)
    times = np.where(double[y, x], 2, 1)
    flipped = double[y, x] & top_right[y, x]
    return np.repeat(x + 1, times), np.repeat(y + 1, times), np.repeat(flipped, times)


def _partners(line: IntArray, position: IntArray, order: BoolArray) -> IntArray:
    """For each corner the other end of its edge on the same grid line."""
    ranked = np.lexsort((order, position, line))
    partner = np.empty_like(ranked)
    partner[ranked[0::2]], partner[ranked[1::2]] = ranked[1::2], ranked[0::2]
    return partner


def _simple(loop: IntArray) -> list[IntArray]:
    """The loop (corner numbers) cut where it touches itself."""
    if np.unique(loop).size == loop.size:
        return [loop]
    rings: list[IntArray] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for corner in loop.tolist():
        if corner in place:
            cut = place[corner]
            rings.append(np.array(path[cut:], dtype=np.int64))
            for gone in path[cut:]:
                del place[gone]
            del path[cut:]
        place[corner] = len(path)
        path.append(corner)
    return [*rings, np.array(path, dtype=np.int64)]


def _oriented(ring: IntArray, padded: BoolArray) -> IntArray:
    """From the topmost, then leftmost corner; exteriors to the right first, holes downwards."""
    first = int(np.lexsort((ring[:, 0], ring[:, 1]))[0])
    ring = np.roll(ring, -first, axis=0)
    x, y = ring[0]
    to_the_right = bool(ring[1, 1] == y)
    if to_the_right != bool(padded[y, x]):
        ring = np.roll(ring[::-1], 1, axis=0)
    return ring


def _ring(points: FloatArray) -> FloatArray:
    ring: FloatArray = read_only(points, np.float32, "polygon")
    if ring.ndim != 2 or ring.shape[1] != 2 or len(ring) < 3:
        raise DataError(f"polygon: got {ring.shape}, wanted (k, 2) with at least 3 corners")
    return ring


def _area(ring: FloatArray) -> float:
    x, y = ring.astype(np.float64).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
