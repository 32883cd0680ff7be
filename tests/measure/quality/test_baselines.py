from __future__ import annotations

import math

import numpy as np
import pytest

from sampipe.errors import DataError
from sampipe.measure.quality.answers import Answers
from sampipe.measure.quality.baselines import baselines
from sampipe.types import RLE, Image, Prompts


def masks(name: str, image: Image, prompts: Prompts, before: Answers | None = None) -> list[np.ndarray]:
    kind = "boxes" if prompts.boxes is not None else "points"
    session = baselines([name], kind)[name].start(image)
    return [rle.decode() for rle in session.answer(prompts, before).chosen()]


def boxes(*xyxy: list[float]) -> Prompts:
    return Prompts.from_boxes(np.array(xyxy, np.float32))


def clicks(*xyl: tuple[float, float, int]) -> Prompts:
    """One object."""
    values = np.array([xyl], np.float32)
    return Prompts.from_points(values[..., :2], values[..., 2].astype(np.int8))


def blob_image() -> tuple[Image, np.ndarray]:
    """A red disc on blue, and which pixels it covers."""
    ys, xs = np.mgrid[:80, :100]
    disc = (xs - 50) ** 2 + (ys - 40) ** 2 < 20**2
    noise = np.random.default_rng(0).integers(0, 20, size=(80, 100, 3))
    pixels = np.where(disc[..., None], [200, 30, 30], [30, 60, 180]) + noise
    return Image.from_array(pixels.astype(np.uint8)), disc


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_ellipse_fills_pi_quarters_of_its_box_and_touches_its_sides() -> None:
    image = Image.from_array(np.zeros((200, 300, 3), np.uint8))
    [mask] = masks("ellipse", image, boxes([40, 20, 240, 120]))
    assert mask.sum() == pytest.approx(200 * 100 * math.pi / 4, rel=0.005)
    assert RLE.from_mask(mask).box.tolist() == [40, 20, 240, 120]


def test_ellipse_of_a_box_beyond_the_image_is_cut() -> None:
    image = Image.from_array(np.zeros((50, 50, 3), np.uint8))
    [mask] = masks("ellipse", image, boxes([-50, -50, 50, 50]))
    assert mask[0, 0]
    assert not mask[49, 49]


def test_grabcut_finds_a_disc_from_its_box_as_opencv_does_from_a_rectangle() -> None:
    import cv2

    image, disc = blob_image()
    [mask] = masks("grabcut", image, boxes([25, 15, 75, 65]))
    assert iou(mask, disc) > 0.95
    labels = np.zeros(image.hw, np.uint8)
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(image.pixels[..., ::-1])
    cv2.grabCut(bgr, labels, (25, 15, 50, 50), np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_RECT)
    assert np.array_equal(mask, (labels & 1).astype(bool))


@pytest.mark.parametrize("box", [[0, 0, 100, 80], [-5, -5, 200, 200]])
def test_grabcut_answers_with_the_box_where_there_is_no_background(box: list[float]) -> None:
    image, _ = blob_image()
    [mask] = masks("grabcut", image, boxes(box))
    assert mask.all()


def test_grabcut_finds_a_disc_from_a_click() -> None:
    image, disc = blob_image()
    [mask] = masks("grabcut", image, clicks((50, 40, 1)))
    assert iou(mask, disc) > 0.9


def test_wand_takes_the_disc_that_was_clicked_and_gives_it_back() -> None:
    image, disc = blob_image()
    [taken] = masks("wand", image, clicks((50, 40, 1)))
    assert iou(taken, disc) > 0.95
    before = Answers.single([RLE.from_mask(taken)])
    [left] = masks("wand", image, clicks((50, 40, 1), (52, 41, 0)), before)
    assert not left[disc].any()


def test_several_objects_are_answered_in_their_order() -> None:
    image, _ = blob_image()
    first, second = masks("ellipse", image, boxes([0, 0, 20, 20], [60, 40, 90, 70]))
    assert first[10, 10]
    assert not first[55, 75]
    assert second[55, 75]


def test_the_highest_predicted_answers_for_its_object() -> None:
    small, large = RLE.from_mask(np.eye(4)), RLE.from_mask(np.ones((4, 4)))
    answers = Answers(((small, large), (small, large)), np.array([[0.2, 0.9], [0.8, 0.1]], np.float32))
    assert answers.chosen() == (large, small)
    assert answers.chosen_predicted().tolist() == pytest.approx([0.9, 0.8])
    assert answers.select(np.array([1])).chosen() == (small,)
    unknown = Answers.single([small])
    assert unknown.chosen() == (small,)
    assert np.isnan(unknown.chosen_predicted()).all()


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    assert list(baselines(["grabcut", "ellipse"], "boxes")) == ["grabcut", "ellipse"]
    with pytest.raises(DataError, match="got watershed; there are ellipse, grabcut, wand"):
        baselines(["ellipse", "watershed"], "boxes")


@pytest.mark.parametrize(("name", "prompt"), [("ellipse", "points"), ("wand", "boxes")])
def test_who_does_not_take_such_prompts_is_refused(name: str, prompt: str) -> None:
    with pytest.raises(DataError, match=f"{name} takes .*, not {prompt}"):
        baselines([name], prompt)
