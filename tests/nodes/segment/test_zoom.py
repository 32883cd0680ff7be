"""Small objects, each in a crop around it; large ones, and what has no box, as ever."""

from __future__ import annotations

import numpy as np
import pytest

import sampipe as sp
from sampipe.nodes import Segment
from sampipe.nodes.segment._zoom import SMALL, is_small

COFFEE = sp.Image.open("sample:coffee")
SPOON, PLATE = [430, 40, 500, 110], [130, 60, 470, 330]


def test_a_small_object_is_segmented_in_its_crop() -> None:
    found = Segment(zoom=True)(COFFEE, prompts=sp.Prompts.from_boxes([PLATE, SPOON], labels=["plate", "spoon"]))
    plain = Segment()(COFFEE, prompts=sp.Prompts.from_boxes([PLATE, SPOON]))
    assert found.labels == ("plate", "spoon")
    assert found.rle()[0] == plain.rle()[0], "the plate is large"
    x0, y0, x1, y1 = (395, 5, 535, 145)  # twice the box
    crop = Segment()(COFFEE.crop((x0, y0, x1, y1)), prompts=sp.Prompts.from_boxes([np.subtract(SPOON, [x0, y0] * 2)]))
    expected = np.zeros(COFFEE.hw, bool)
    expected[y0:y1, x0:x1] = crop.to_numpy()[0]
    assert np.array_equal(found.to_numpy()[1], expected) and found.rle()[1] != plain.rle()[1]
    assert found.iou_scores[1] == pytest.approx(crop.iou_scores[0], abs=1e-5)


def test_without_a_small_box_nothing_changes() -> None:
    clicks = sp.Prompts.object(points=[(300, 200)])
    for prompts in (clicks, sp.Prompts.from_boxes([PLATE])):
        assert Segment(zoom=True)(COFFEE, prompts=prompts).all_rles() == Segment()(COFFEE, prompts=prompts).all_rles()


def test_clicks_beside_a_box_stay_where_they_are() -> None:
    spoon, lone = sp.Prompts.object(SPOON, points=[(465, 70)]), sp.Prompts.object(points=[(300, 200)])
    prompts = sp.Prompts.concat([spoon, lone])
    found = Segment(zoom=True)(COFFEE, prompts=prompts)
    assert found.num_candidates == 3 and np.array_equal(found.prompts.points, prompts.points)  # type: ignore[arg-type]
    assert len({rle.area for rle in found.all_rles()[0]}) == 1, "a box is not ambiguous"


def test_what_is_small() -> None:
    prompts = sp.Prompts.from_boxes([[0, 0, 100, 124], [0, 0, 100, 126], [5, 5, 6, 6]])
    assert SMALL == 1 / 8
    assert is_small(prompts, (1000, 100)).tolist() == [True, False, True]
    assert is_small(sp.Prompts.object(points=[(1, 1)]), (10, 10)).tolist() == [False]
