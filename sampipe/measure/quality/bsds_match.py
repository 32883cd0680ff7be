"""Which pixels of two edge maps belong together: an assignment, not a dilation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
_OUTLIER_COST = 100.0  # times the tolerance, as in the original: one more pair always outweighs closer pairs
_NODES_AT_ONCE = 700


@dataclass(frozen=True, eq=False)
class PixelSet:
    """The set pixels of a mask with room for the tolerance around it.

    Attributes:
        flat: (n,) places in the padded image, ascending.
        number: the padded image, flattened; the pixel's number or -1.
        width: of the padded image.
    """

    flat: NDArray[np.int64]
    number: NDArray[np.int32]
    width: int

    @classmethod
    def of(cls, mask: NDArray[np.bool_], tolerance: float) -> PixelSet:
        """The pixels of a bool (h, w) mask, to be matched within ``tolerance`` pixels."""
        padded = np.pad(mask, math.ceil(tolerance))
        flat = np.flatnonzero(padded)
        number = np.full(padded.size, -1, dtype=np.int32)
        number[flat] = np.arange(len(flat), dtype=np.int32)
        return cls(flat, number, padded.shape[1])

    def __len__(self) -> int:
        return len(self.flat)


def correspond(a: PixelSet, b: PixelSet, tolerance: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels of ``a`` (len(a),) and of ``b`` (len(b),) have a partner in the best assignment.

    The correspondence of the Berkeley benchmark (Martin, Fowlkes and Malik, TPAMI 2004, appendix B): each pixel has
    at most one partner, within ``tolerance`` pixels, and total distance plus 100 tolerances for every pixel without a
    partner is smallest. The original approximates this with six random outlier connections a pixel; here each pixel of
    the smaller side has an outlier of its own, which makes the optimum exact. Solved as a sparse linear assignment
    (LAPJVsp, by SciPy).
    """
    if len(a) > len(b):
        second, first = correspond(b, a, tolerance)
        return first, second
    with_a, with_b = np.zeros(len(a), dtype=np.bool_), np.zeros(len(b), dtype=np.bool_)
    steps, distances = _disc(tolerance, a.width)
    partners = b.number[a.flat[:, None] + steps]
    row, step = np.nonzero(partners >= 0)
    column, distance = partners[row, step], distances[step]
    for part in _parts(row, column, len(a), len(b)):
        rows, columns = _assign(row[part], column[part], distance[part], _OUTLIER_COST * tolerance)
        with_a[rows] = True
        with_b[columns] = True
    return with_a, with_b


def _parts(row: Ints, column: Ints, rows: int, columns: int) -> Iterator[NDArray[np.int64]]:
    """The edges between rows and columns in parts that share neither: many small problems are quicker than one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(row):
        return
    shape = (rows + columns,) * 2
    graph: Any = coo_array((np.ones(len(row), dtype=np.int8), (row, column + rows)), shape=shape)
    label = connected_components(graph, directed=False)[1]
    part = (np.cumsum(np.bincount(label)) // _NODES_AT_ONCE)[label[row]]
    order = np.argsort(part, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(part[order])) + 1)


def _assign(row: Ints, column: Ints, distance: NDArray[np.float64], outlier: float) -> tuple[Ints, Ints]:
    """The rows and columns that get a partner; edges come by row."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, row = np.unique(row, return_inverse=True)
    columns, column = np.unique(column, return_inverse=True)
    own = len(columns) + np.arange(len(rows))  # the outliers
    # A weight of 0 would be no edge: all are one larger, which changes no comparison as every row takes one.
    weights = np.concatenate([distance, np.full(len(rows), outlier)]) + 1
    places = np.concatenate([row, np.arange(len(rows))]), np.concatenate([column, own])
    graph: Any = csr_array((weights, places), shape=(len(rows), len(columns) + len(rows)))
    taken, chosen = min_weight_full_bipartite_matching(graph)
    paired = chosen < len(columns)
    return rows[taken[paired]], columns[chosen[paired]]


@lru_cache(maxsize=16)
def _disc(tolerance: float, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps in a flattened image to every place within ``tolerance`` pixels, and how far each is."""
    margin = math.ceil(tolerance)
    y, x = np.mgrid[-margin : margin + 1, -margin : margin + 1]
    inside = y**2 + x**2 <= tolerance**2
    return (y * width + x)[inside], np.hypot(y, x)[inside]
