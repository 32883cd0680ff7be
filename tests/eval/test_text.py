"""The measure itself: unions against unions, the rivals, and AP50 that a perfect answer fills."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sampipe as sp
from sampipe.eval.report import Evaluation
from sampipe.eval.text import SCENES, evaluate_text
from sampipe.eval.text_precision import ap50, kept_masks
from sampipe.types import RLE, Masks


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


TRUTH = {"a": [square(0, 0)], "b": [square(20, 0)]}


def scored(masks: Masks) -> float | None:
    return ap50([TRUTH], [{"hw": [40, 60], "masks": kept_masks(masks)}])


def test_ap50_of_a_perfect_answer_is_one_and_of_swapped_names_none() -> None:
    right = answers((square(0, 0), "a", 0.9), (square(20, 0), "b", 0.4))
    swapped = answers((square(0, 0), "b", 0.9), (square(20, 0), "a", 0.4))
    half = answers((square(0, 0), "a", 0.9))
    assert scored(right) == pytest.approx(1.0)
    assert scored(swapped) == 0.0
    assert scored(half) == pytest.approx(0.5)
    assert scored(Masks.empty((40, 60))) == 0.0
    assert ap50([{}], [{"hw": [40, 60], "masks": []}]) is None


def test_scenes_are_measured_with_their_rivals(tmp_path: Path) -> None:
    found = evaluate_text("nano", SCENES, limit=1, device="cpu", points_per_side=1)
    summary = found.summary
    assert summary["images"] == 1 and summary["questions"] == len(found.rows) >= 1
    for row in found.rows:
        assert 0 <= row["iou"] <= 1 and 0 < row["whole_iou"] < 1
    assert summary["mean_iou"] == pytest.approx(np.mean([row["iou"] for row in found.rows]))
    found.write(tmp_path / "text.json")
    assert json.loads((tmp_path / "text.json").read_text())["task"] == "text"


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def measure(seed: int = 0) -> Evaluation:
        return evaluate_text("nano", SCENES, limit=2, seed=seed, device="cpu", points_per_side=1, out=tmp_path / "out")

    whole = measure()
    [first, second] = sorted((tmp_path / "out" / "images").iterdir())
    first.unlink()
    kept = second.stat().st_mtime_ns
    assert measure().rows == whole.rows
    assert second.stat().st_mtime_ns == kept
    with pytest.raises(sp.DataError, match=r"holds another run: .*seed was 0 and is 1"):
        measure(seed=1)
