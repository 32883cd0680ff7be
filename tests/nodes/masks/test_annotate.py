from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import grey_image, masks_of, rectangle
from hypothesis import given
from hypothesis import strategies as st

from sampipe import DataError, Image, Masks
from sampipe.nodes import Annotate
from sampipe.types._label_places import label_places
from sampipe.types.colors import COLORS
from sampipe.types.overlay import label_texts

HW = (60, 80)
LARGE, SMALL = rectangle(HW, 10, 10, 70, 50), rectangle(HW, 30, 20, 50, 40)


def rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])


def test_no_masks_leave_the_image_as_it_is() -> None:
    image = grey_image(HW)
    assert Annotate()(image, Masks.empty(HW)) is image
    assert Annotate()(image, masks_of([np.zeros(HW, bool)])) is image


def test_fill_contour_and_shadow_have_the_color_of_the_object() -> None:
    image = grey_image(HW, value=100)
    pixels = Annotate(opacity=0.5)(image, masks_of([LARGE])).pixels.astype(int)
    np.testing.assert_allclose(pixels[30, 40], (rgb(COLORS[0]) + 100) / 2, atol=1)
    np.testing.assert_allclose(pixels[30, 10], 0.95 * rgb(COLORS[0]) + 0.05 * (rgb(COLORS[0]) + 100) / 2, atol=2)
    assert (pixels[30, 9] < 70).all(), "a dark line around it"
    assert (pixels[:8] == 100).all(), "nothing happens elsewhere"


@pytest.mark.parametrize("order", [(LARGE, SMALL), (SMALL, LARGE)])
def test_small_masks_lie_on_top(order: tuple[np.ndarray, np.ndarray]) -> None:
    color = COLORS[1] if order[1] is SMALL else COLORS[0]
    pixels = Annotate(opacity=1.0)(grey_image(HW), masks_of(order)).pixels
    np.testing.assert_array_equal(pixels[30, 40], rgb(color))


def test_no_contour_along_the_border_of_the_picture() -> None:
    pixels = Annotate()(grey_image(HW), masks_of([rectangle(HW, 0, 0, 40, 60)])).pixels
    np.testing.assert_array_equal(pixels[30, 0], pixels[30, 20])
    assert (pixels[30, 39] != pixels[30, 20]).any()


def line_width(side: int, scale: float = 1.0) -> int:
    hw = (side, side)
    masks = masks_of([rectangle(hw, side // 4, side // 4, side // 2, side // 2)])
    row = Annotate(scale=scale)(grey_image(hw), masks).pixels[3 * side // 8, side // 4 : 3 * side // 8].astype(int)
    return int((np.abs(row - row[0]).sum(axis=1) < 10).sum())


def test_lines_grow_with_the_picture() -> None:
    assert line_width(100) == 1
    assert line_width(960) == 4
    assert line_width(960, scale=2.0) == 8


def test_names_and_scores_are_written() -> None:
    masks = masks_of([LARGE] * 4, labels=["cup", "pot", "", "x" * 60], scores=[0.876, np.nan, 0.5, np.nan])
    assert label_texts(masks) == ["cup 0.88", "pot", "", "x" * 39 + "…"]
    image = grey_image(HW)
    named = masks_of([LARGE], labels=["cup"])
    assert (Annotate()(image, named).pixels != Annotate(labels=False)(image, named).pixels).any()


def test_masks_without_names_get_no_label() -> None:
    image = grey_image(HW)
    for masks in (masks_of([LARGE]), masks_of([LARGE], labels=[""], scores=[0.9])):
        np.testing.assert_array_equal(Annotate()(image, masks).pixels, Annotate(labels=False)(image, masks).pixels)


def test_colors_stay_red_green_blue() -> None:
    pixels = np.zeros((*HW, 3), np.uint8)
    pixels[..., 0] = 250
    drawn = Annotate()(Image.from_array(pixels, source="a/red.png"), masks_of([SMALL], labels=["cup"]))
    assert drawn.pixels[59, 79].tolist() == [250, 0, 0]
    assert drawn.source == "a/red.png"


def test_tiny_pictures() -> None:
    for hw in [(1, 1), (1, 50), (50, 1)]:
        drawn = Annotate()(grey_image(hw), masks_of([np.ones(hw, bool)], labels=["a name wider than the picture"]))
        assert drawn.hw == hw


def test_masks_of_another_size() -> None:
    with pytest.raises(DataError, match="masks of 80x60 pixels for an image of 60x80"):
        Annotate()(grey_image(HW[::-1]), masks_of([LARGE]))


@pytest.mark.parametrize("parameters", [{"opacity": 1.5}, {"opacity": "half"}, {"scale": 0}])
def test_parameters_that_do_not_fit(parameters: dict[str, object]) -> None:
    with pytest.raises(DataError, match="does not fit; wanted a number from"):
        Annotate(**parameters)


def test_without_opencv_the_picture_is_the_same_and_nothing_is_warned_of(tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["cv2"] = None  # as where it is not installed
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}
from test_annotate import *
drawn = Annotate()(grey_image(HW), masks_of([LARGE, SMALL], labels=["a", "b"]))
np.save({str(tmp_path / "pixels.npy")!r}, drawn.pixels)
"""
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", program], check=True, timeout=60)
    here = Annotate()(grey_image(HW), masks_of([LARGE, SMALL], labels=["a", "b"])).pixels
    np.testing.assert_allclose(np.load(tmp_path / "pixels.npy"), here, atol=1)


def test_labels_sit_on_top_of_their_boxes_where_there_is_room() -> None:
    boxes = np.array([[10, 20, 30, 40], [50, 0, 70, 30]])
    places = label_places(boxes, np.array([[15, 6], [15, 6]]), HW)
    assert places.tolist() == [[10, 14, 25, 20], [50, 0, 65, 6]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_labels_are_inside_and_apart(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 400, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 90, (count, 2))], axis=1)
    places = label_places(boxes, np.full((count, 2), (40, 12)), (500, 500))
    assert (places >= 0).all()
    assert (places <= 500).all()
    covered = np.zeros((500, 500), int)
    for x0, y0, x1, y1 in places:
        covered[y0:y1, x0:x1] += 1
    assert covered.max() == 1


def test_a_label_larger_than_the_picture() -> None:
    assert label_places(np.array([[2, 2, 4, 4]]), np.array([[50, 20]]), (10, 10)).tolist() == [[0, 0, 50, 20]]
