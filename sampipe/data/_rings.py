"""Outlines joined to a single ring, for formats that know no holes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sampipe.types import Polygon


def one_ring(parts: Sequence[Polygon]) -> np.ndarray:
    """All parts and holes as a single ring (k, 2), joined at their nearest corners by cuts of no width."""
    rings = [ring for part in sorted(parts, key=lambda part: -part.area) for ring in (part.exterior, *part.holes)]
    joined = rings[0]
    for ring in rings[1:]:
        here, there = _nearest_corners(joined, ring)
        detour = np.concatenate([ring[there:], ring[: there + 1]])
        joined = np.concatenate([joined[: here + 1], detour, joined[here:]])
    return joined


def _nearest_corners(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    from scipy.spatial import cKDTree

    distances, nearest = cKDTree(a).query(b)
    there = int(np.argmin(distances))
    return int(nearest[there]), there
