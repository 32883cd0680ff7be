"""Figures of one mask: how large, how concave, and where."""

from __future__ import annotations

import numpy as np

from sampipe.types import RLE, _runs


def relative_size(mask: RLE) -> float:
    """Square root of the mask's share of the image, 0 to 1 (paper, section 5)."""
    return float(np.sqrt(mask.area / (mask.hw[0] * mask.hw[1])))


def concavity(mask: RLE) -> float:
    """1 - area / area of the convex hull (paper, section 5), 0 to 1; pixels are squares, so a rectangle has 0.

    The hull is taken over the corners of each column's first and last pixel: all others lie inside.
    """
    from scipy.spatial import ConvexHull

    height = mask.hw[0]
    starts, stops = _runs.by_column(_runs.parse(mask.counts), height)
    columns, first = np.unique(starts // height, return_index=True)
    last = np.append(first[1:], len(starts)) - 1
    top, bottom = starts[first] - columns * height, stops[last] - columns * height
    corners = np.concatenate([np.stack([columns + side, y], axis=1) for side in (0, 1) for y in (top, bottom)])
    return max(0.0, float(1 - mask.area / ConvexHull(corners).volume))  # in the plane, the volume is the area


def center(mask: RLE) -> tuple[float, float]:
    """The mean x and y of the mask's pixels, as shares of width and height."""
    height, width = mask.hw
    starts, stops = _runs.by_column(_runs.parse(mask.counts), height)
    columns, lengths = starts // height, stops - starts
    y = (starts + stops) / 2 - columns * height
    total = lengths.sum()
    return float((lengths * (columns + 0.5)).sum() / total / width), float((lengths * y).sum() / total / height)
