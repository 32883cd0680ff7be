"""The measure itself: unions against unions, the rivals, and AP50 that a perfect answer fills."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sampipe as sp
from sampipe.eval.text import SCENES, Asked, ap50, evaluate_text
from sampipe.types import RLE, Image, Masks


def square(x: int, y: int, side: int = 10) -> RLE:
    mask = np.zeros((40, 60), bool)
    mask[y : y + side, x : x + side] = True
    return RLE.from_mask(mask)


def answers(*found: tuple[RLE, str, float]) -> Masks:
    prompts = sp.Prompts.from_boxes(
        np.array([rle.box for rle, _, _ in found]),
        labels=[label for _, label, _ in found],
        scores=[score for _, _, score in found],
    )
    return Masks.from_rle([rle for rle, _, _ in found], (40, 60), prompts)


ASKED = Asked(
    "one", lambda: Image.from_array(np.zeros((40, 60, 3), np.uint8)), {"a": [square(0, 0)], "b": [square(20, 0)]}
)


def test_ap50_of_a_perfect_answer_is_one_and_of_swapped_names_none() -> None:
    right = answers((square(0, 0), "a", 0.9), (square(20, 0), "b", 0.4))
    swapped = answers((square(0, 0), "b", 0.9), (square(20, 0), "a", 0.4))
    half = answers((square(0, 0), "a", 0.9))
    assert ap50([ASKED], [right]) == pytest.approx(1.0)
    assert ap50([ASKED], [swapped]) == 0.0
    assert ap50([ASKED], [half]) == pytest.approx(0.5)
    assert ap50([ASKED], [Masks.empty((40, 60))]) == 0.0


def test_scenes_are_measured_with_their_rivals(tmp_path: Path) -> None:
    found = evaluate_text("nano", SCENES, limit=1, device="cpu", points_per_side=1)
    summary = found.summary
    assert summary["images"] == 1 and summary["questions"] == len(found.rows) >= 1
    for row in found.rows:
        assert 0 <= row["iou"] <= 1 and 0 < row["whole_iou"] < 1
    assert summary["mean_iou"] == pytest.approx(np.mean([row["iou"] for row in found.rows]))
    found.write(tmp_path / "text.json")
    assert json.loads((tmp_path / "text.json").read_text())["task"] == "text"
