"""Objects that tiles cut through, recognised by what two tiles both see of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sampipe.types import RLE


class Part(NamedTuple):
    """What one tile has of an object.

    Args:
        tile: the tile's number.
        window: where it lies: x0, y0, x1, y1.
        rle: the mask, in the tile.
        label: only parts of one label are one object.
        row: the caller's number of it.
    """

    tile: int
    window: tuple[int, int, int, int]
    rle: RLE
    label: str | None
    row: int


def grouped(parts: Sequence[Part], same_iou: float) -> list[list[Part]]:
    """The parts of each object, in the order of their first parts."""
    leader = list(range(len(parts)))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    used: set[tuple[int, int]] = set()  # (part, neighbouring tile): a part has one partner in each
    for _, i, j in sorted(_pairs(parts, same_iou), key=lambda pair: (-pair[0], pair[1:])):
        mine, other = (i, parts[j].tile), (j, parts[i].tile)
        if mine not in used and other not in used:
            used |= {mine, other}
            first, second = sorted((find(i), find(j)))
            leader[second] = first
    groups: dict[int, list[Part]] = defaultdict(list)
    for i, part in enumerate(parts):
        groups[find(i)].append(part)
    return list(groups.values())


def _pairs(parts: Sequence[Part], same_iou: float) -> Iterator[tuple[float, int, int]]:
    """IoU and numbers of the parts of neighbouring tiles that agree enough in the strip that both see."""
    of_tile: dict[int, list[int]] = defaultdict(list)
    for i, part in enumerate(parts):
        of_tile[part.tile].append(i)
    for a in of_tile:
        for b in (b for b in of_tile if b > a):
            strip = _common(parts[of_tile[a][0]].window, parts[of_tile[b][0]].window)
            if strip is None:
                continue
            theirs = [(j, seen) for j in of_tile[b] if (seen := _seen(parts[j], strip)) is not None]
            for i in of_tile[a] if theirs else ():
                mine = _seen(parts[i], strip)
                for j, other in theirs if mine is not None else ():
                    if mine is not None and parts[i].label == parts[j].label:
                        iou = mine.iou(other, least=same_iou)
                        if iou >= same_iou:
                            yield iou, i, j


class _Seen(NamedTuple):
    """What lies inside a strip of a part: its pixels in a box of the whole image."""

    box: tuple[int, int, int, int]
    pixels: np.ndarray
    area: int

    def iou(self, other: _Seen, *, least: float) -> float:
        """Of two parts; 0 without a look at the pixels where it cannot reach ``least``."""
        common = _common(self.box, other.box)
        if common is None or min(self.area, other.area) < least * max(self.area, other.area):
            return 0.0
        both = int((self._inside(common) & other._inside(common)).sum())
        return both / (self.area + other.area - both)

    def _inside(self, box: tuple[int, int, int, int]) -> np.ndarray:
        x, y = self.box[:2]
        return self.pixels[box[1] - y : box[3] - y, box[0] - x : box[2] - x]


def _common(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _seen(part: Part, strip: tuple[int, int, int, int]) -> _Seen | None:
    """The part inside a strip of the whole image; None where it has no pixel there."""
    x, y = part.window[:2]
    x0, y0, x1, y1 = (int(side) for side in part.rle.box + np.array([x, y, x, y]))
    common = None if part.rle.area == 0 else _common((x0, y0, x1, y1), strip)
    if common is None:
        return None
    pixels = part.rle.window()[common[1] - y0 : common[3] - y0, common[0] - x0 : common[2] - x0]
    area = int(pixels.sum())
    return _Seen(common, pixels, area) if area else None
