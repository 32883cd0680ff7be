"""One more click on one object."""

from __future__ import annotations

import numpy as np
import pytest

import sampipe as sp
from sampipe.nodes import AddClicks, Segment

ROCKET = sp.Image.open("sample:rocket")
ASKED = sp.Prompts.concat(
    [sp.Prompts.object((285, 115, 365, 395), label="rocket"), sp.Prompts.object(points=[(100, 200)], label="sky")]
)


@pytest.fixture(scope="module")
def masks() -> sp.Masks:
    return Segment()(ROCKET, prompts=ASKED)


def test_only_the_one_that_was_clicked_changes(masks: sp.Masks) -> None:
    clicked = AddClicks(points=[[322, 250]], not_points=[[300, 380]], index=0)(ROCKET, masks)
    assert clicked.labels == ("rocket", "sky")
    assert clicked.rle()[1] == masks.best().rle()[1]
    assert clicked.rle()[0] != masks.best().rle()[0]
    assert clicked.prompts.point_labels is not None
    assert clicked.prompts.point_labels[0].tolist()[-2:] == [1, 0]
    assert clicked.history[0][-1].startswith("AddClicks(") and not clicked.history[1][-1].startswith("AddClicks(")


def test_a_click_beside_takes_away_and_the_next_adds_to_it(masks: sp.Masks) -> None:
    ys, xs = np.nonzero(masks.best()[0].binary()[0])
    corner = [[float(xs[ys.argmax()]), float(ys.max())]]
    once = AddClicks(not_points=corner)(ROCKET, masks)
    twice = AddClicks(points=[[322, 250]], index=-2)(ROCKET, once)
    assert twice.explain(0).prompt.count("point") == 2
    assert len(twice) == 2


def test_what_is_no_click(masks: sp.Masks) -> None:
    with pytest.raises(sp.DataError, match="got no point"):
        AddClicks()
    with pytest.raises(sp.DataError, match="row 7 is not there; there are 2"):
        AddClicks(points=[[1, 1]], index=7)(ROCKET, masks)
    with pytest.raises(sp.DataError):
        AddClicks(points=[[1, 2, 3]])
