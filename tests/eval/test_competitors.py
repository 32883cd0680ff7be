from __future__ import annotations

import math

import numpy as np
import pytest

from sampipe.errors import DataError
from sampipe.eval.competitors import competitors, ellipse, grabcut
from sampipe.types import Image


def blob_image() -> tuple[Image, np.ndarray]:
    """A red disc on blue, and which pixels it covers."""
    ys, xs = np.mgrid[:80, :100]
    disc = (xs - 50) ** 2 + (ys - 40) ** 2 < 20**2
    noise = np.random.default_rng(0).integers(0, 30, size=(80, 100, 3))
    pixels = np.where(disc[..., None], [200, 30, 30], [30, 60, 180]) + noise
    return Image.from_array(pixels.astype(np.uint8)), disc


def test_ellipse_fills_pi_quarters_of_its_box_and_touches_its_sides() -> None:
    image = Image.from_array(np.zeros((200, 300, 3), np.uint8))
    [mask] = ellipse(image, np.array([[40, 20, 240, 120]], np.float32))
    assert mask.area == pytest.approx(200 * 100 * math.pi / 4, rel=0.005)
    assert mask.box.tolist() == [40, 20, 240, 120]


def test_ellipse_of_a_box_beyond_the_image_is_cut() -> None:
    image = Image.from_array(np.zeros((50, 50, 3), np.uint8))
    [mask] = ellipse(image, np.array([[-50, -50, 50, 50]], np.float32))
    assert mask.decode()[0, 0]
    assert not mask.decode()[49, 49]


def test_grabcut_finds_a_disc() -> None:
    image, disc = blob_image()
    [mask] = grabcut(image, np.array([[25, 15, 75, 65]], np.float32))
    found = mask.decode()
    assert (found & disc).sum() / (found | disc).sum() > 0.95


@pytest.mark.parametrize("box", [[0, 0, 100, 80], [-5, -5, 200, 200]])
def test_grabcut_answers_with_the_box_where_there_is_no_background(box: list[float]) -> None:
    image, _ = blob_image()
    [mask] = grabcut(image, np.array([box], np.float32))
    assert mask.area == 80 * 100


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    assert list(competitors(["grabcut", "ellipse"])) == ["grabcut", "ellipse"]
    with pytest.raises(DataError, match="got watershed; there are ellipse, grabcut"):
        competitors(["ellipse", "watershed"])
