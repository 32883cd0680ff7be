"""Colours of objects: apart for everybody."""

from __future__ import annotations

import numpy as np

from sampipe.web import COLORS, color_of

# linear RGB → as seen without red, green or blue cones (Machado et al. 2009, severity 1)
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritanopia": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
LMS = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
LAB = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])


def oklab(hexes: tuple[str, ...], seen: np.ndarray) -> np.ndarray:
    values = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in hexes]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.cbrt(np.clip(linear @ seen.T, 0, 1) @ LMS.T) @ LAB.T


def nearest(count: int, kind: str) -> float:
    points = oklab(COLORS[:count], SEEN[kind])
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(distances[~np.eye(count, dtype=bool)].min())


def test_fifty_colours_stay_apart_for_everybody() -> None:
    assert len(set(COLORS)) == 50
    for kind in SEEN:
        assert nearest(50, kind) > 0.04, kind  # about twice what can just be told apart
        assert nearest(12, kind) > 0.1, kind


def test_they_come_again() -> None:
    assert color_of(50) == COLORS[0]
