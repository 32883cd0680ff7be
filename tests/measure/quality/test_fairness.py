from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sampipe.errors import DataError
from sampipe.measure.quality.fairness import Fairness, compare_groups
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.task import Request, evaluate


def people(group: str, ious: np.ndarray, *, images: int) -> list[dict[str, object]]:
    return [
        {"image": f"{group}{index % images}", "group": group, "iou_1": float(iou), "iou_3": 0.9}
        for index, iou in enumerate(ious)
    ]


def test_groups_that_differ_are_named_and_those_that_do_not_are_not() -> None:
    rng = np.random.default_rng(0)
    rows = [
        *people("a", rng.normal(0.5, 0.1, 200), images=100),
        *people("b", rng.normal(0.5, 0.1, 200), images=100),
        *people("c", rng.normal(0.7, 0.1, 200), images=100),
    ]
    found = compare_groups(rows, ["group"], seed=0)["group"]
    assert found["apart"] == {"1": [["a", "c"], ["b", "c"]], "3": []}
    group = found["groups"]["c"]
    assert (group["people"], group["images"]) == (200, 100)
    low, high = group["mean_iou_1_interval"]
    assert low < group["mean_iou_1"] < high
    assert group["mean_iou_1"] == pytest.approx(0.7, abs=0.02)
    assert 0.02 < high - low < 0.04  # 4 x 0.1 / sqrt(200) = 0.028
    assert group["mean_iou_3_interval"] == pytest.approx([0.9, 0.9])


def test_people_of_one_image_are_not_independent() -> None:
    """The same 20 figures ten times over: as people of 20 images they say as much as once."""
    ious = np.tile(np.random.default_rng(1).random(20), 10)
    together = compare_groups(people("a", ious, images=20), ["group"], seed=0)["group"]["groups"]["a"]
    apart = compare_groups(people("a", ious, images=200), ["group"], seed=0)["group"]["groups"]["a"]
    width = [high - low for low, high in (one["mean_iou_1_interval"] for one in (together, apart))]
    assert width[0] > 2.5 * width[1]


def test_a_model_is_measured_person_by_person(tiny_model: Path, coco_folder: Path, tmp_path: Path) -> None:
    table, out = tmp_path / "people.csv", tmp_path / "out"
    table.write_text("annotation,age,hat\n1,old,yes\n2,young,no\n3,young,yes\n")

    def measure(columns: list[str], **asked: Any) -> Evaluation:
        task = Fairness(attributes=table, columns=columns)
        return evaluate(task, Request(model=str(tiny_model), data=coco_folder, **asked))

    evaluation = measure(["age"], out=out, competitors=["wand"])
    assert evaluation.n == evaluation.summary["people"] == 3
    assert [row["age"] for row in evaluation.rows] == ["old", "young", "young"]
    groups = evaluation.summary["groups"]["age"]["groups"]
    assert groups["young"]["mean_iou_1"] == pytest.approx(np.mean([row["iou_1"] for row in evaluation.rows[1:]]))
    assert list(evaluation.summary["groups"]) == list(evaluation.summary["wand_groups"]) == ["age"]
    assert all(0 <= row["wand_iou_3"] <= 1 for row in evaluation.rows)
    told: list[tuple[int, int]] = []
    again = measure([], out=out, competitors=["wand"], progress=lambda *now: told.append(now))
    assert told == []  # nothing is measured twice; other groups are made of the same people
    assert list(again.summary["groups"]) == ["age", "hat"]
    with pytest.raises(DataError, match="got shoes; there are age, hat"):
        measure(["shoes"])
