"""What became of prompts is said, with numbers; prompts that were right get no word."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampipe.types import Prompts

HW = (48, 64)


def notes_of(boxes: object = None, points: object = None) -> tuple[str, ...]:
    made = Prompts.from_boxes(boxes) if boxes is not None else Prompts.from_points(points)  # type: ignore[arg-type]
    return made.sanitize(HW).notes


@pytest.mark.parametrize(
    ("boxes", "says"),
    [
        ([[2, 2, 20, 20], [50, 10, 90, 30], [5, 5, 9, 9]], "1 of 3 boxes was cut at the image's edge"),
        ([[-9, 2, 20, 20], [50, 10, 90, 30]], "2 of 2 boxes were cut at the image's edge"),
        ([[40, 10, 12, 30]], "1 of 1 box was sorted.*were these x, y, width, height"),
        (
            [[2, 2, 9, 9], [80, 10, 90, 30]],
            r"error: box 2 of 2 \(80, 10, 90, 30\) has no area inside the image of 64",
        ),
        ([[2, 2, 9, 9], [5, 5, 5, 20]], "error: box 2 of 2 .* no area"),
        ([[2, 2, np.inf, 9]], "error: box 1 of 1 .* is not finite"),
        ([[0.1, 0.2, 0.5, 0.6]], "between 0 and 1, as fractions"),
    ],
)
def test_boxes(boxes: list[list[float]], says: str) -> None:
    (note,) = notes_of(boxes=boxes)
    assert re.search(says, note), note


def test_points() -> None:
    assert notes_of(points=[[5, 5], [70, 5]]) == (
        "1 of 2 points was outside the image and moved onto its nearest pixel",
    )
    assert "fractions" in notes_of(points=[[0.4, 0.7]])[0]
    assert notes_of(points=[[0, 0], [1, 1]]) == ()


def test_many_boxes_without_a_mask_are_counted() -> None:
    notes = notes_of(boxes=[[100, 100, 120, 120]] * 8)
    assert len(notes) == 6 and notes[-1] == "error: 3 more boxes get no mask either"


@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 20), st.floats(2, 34), st.floats(2, 28)), min_size=1, max_size=5)
)
def test_boxes_inside_get_no_word(made: list[tuple[float, float, float, float]]) -> None:
    assert notes_of(boxes=[(x, y, x + w, y + h) for x, y, w, h in made]) == ()


def test_notes_come_along_and_are_said_once() -> None:
    prompts = Prompts.from_boxes([[2, 2, 20, 20], [50, 10, 90, 30]]).sanitize(HW)
    assert prompts.sanitize(HW).notes == prompts.notes == prompts.select([0]).notes
    assert Prompts.concat([prompts, prompts]).notes == prompts.notes


def test_what_is_sanitized_twice_says_it_once() -> None:
    once = Prompts.from_boxes([[0.1, 0.2, 0.5, 0.9]]).sanitize((48, 64))
    assert len(once.notes) == 1 and once.sanitize((48, 64)).notes == once.notes
