"""The measure itself: unions against unions, the baselines, and AP50 that a perfect answer fills."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sampipe as sp
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.task import Request, evaluate
from sampipe.measure.quality.text import SCENES, Answered, Query, Text, ap50
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
    task = Text()
    task._competitors = ()
    found = task.score(Query("image", lambda: None, TRUTH), Answered(masks, 0.0, {}))  # type: ignore[arg-type, return-value]
    return ap50([json.loads(json.dumps(found))])


def test_ap50_of_a_perfect_answer_is_one_and_of_swapped_names_none() -> None:
    right = answers((square(0, 0), "a", 0.9), (square(20, 0), "b", 0.4))
    swapped = answers((square(0, 0), "b", 0.9), (square(20, 0), "a", 0.4))
    half = answers((square(0, 0), "a", 0.9))
    assert scored(right) == pytest.approx(1.0)
    assert scored(swapped) == 0.0
    assert scored(half) == pytest.approx(0.5)
    assert scored(Masks.empty((40, 60))) == 0.0


def test_scenes_are_measured_with_their_baselines(tmp_path: Path) -> None:
    found = evaluate(Text(proposals=1), Request(data=SCENES, limit=1, device="cpu"))
    summary = found.summary
    assert summary["images"] == 1 and summary["questions"] == len(found.rows) >= 1
    for row in found.rows:
        assert 0 <= row["iou"] <= 1 and 0 < row["whole_iou"] < 1
    assert summary["mean_iou"] == pytest.approx(np.mean([row["iou"] for row in found.rows]))
    found.write(tmp_path / "text.json")
    assert json.loads((tmp_path / "text.json").read_text())["task"] == "text"


def test_it_is_resumed(tmp_path: Path) -> None:
    def measure(seed: int = 0) -> Evaluation:
        asked = Request(data=SCENES, limit=2, seed=seed, device="cpu", competitors=["whole"], out=tmp_path / "out")
        return evaluate(Text(), asked)

    whole = measure()
    [first, second] = sorted((tmp_path / "out" / "images").iterdir())
    first.unlink()
    kept = second.stat().st_mtime_ns
    assert measure().rows == whole.rows
    assert second.stat().st_mtime_ns == kept
    with pytest.raises(sp.DataError, match=r"holds another run: .*seed was 0 and is 1"):
        measure(seed=1)
