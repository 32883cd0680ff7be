"""Colors of objects: apart for everybody, and the same wherever masks are shown."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import color

from sampipe.nodes import Annotate
from sampipe.pages import shared
from sampipe.types import Image, Masks
from sampipe.types.colors import COLORS

# linear RGB → as seen without red, green or blue cones (Machado et al. 2009, severity 1)
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritanopia": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}


def seen_lab(hexes: tuple[str, ...], kind: str) -> np.ndarray:
    values = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in hexes]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) @ SEEN[kind].T
    linear = np.clip(linear, 0, 1)
    return color.rgb2lab(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("kind", SEEN)
def test_fifty_colors_stay_apart(kind: str) -> None:
    lab = seen_lab(COLORS, kind)
    distance = color.deltaE_ciede2000(lab[:, None], lab[None]) + 100 * np.eye(len(COLORS))
    assert len(set(COLORS)) == 50
    assert distance.min() > 5  # about twice what can just be told apart
    assert distance[:24, :24].min() > 8
    assert distance[:12, :12].min() > 10


def test_none_is_lost_on_a_photo() -> None:
    lightness = seen_lab(COLORS, "normal")[:, 0]
    assert lightness.min() > 25
    assert lightness.max() < 97


def test_overlays_and_pages_have_the_same_colors() -> None:
    assert shared.COLORS is COLORS
    squares = np.zeros((51, 3, 153), bool)
    for index in range(51):
        squares[index, :, 3 * index : 3 * index + 3] = True
    masks = Masks.from_binary(squares)
    drawn = Annotate(opacity=1.0).run(Image.from_array(np.zeros((3, 153, 3), np.uint8)), masks).pixels[1, 1::3]
    wanted = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in (*COLORS, COLORS[0])])
    assert np.abs(drawn.astype(int) - wanted).max() <= 13  # the contour is not quite opaque
