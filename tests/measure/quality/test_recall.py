"""Average recall: by hand, and as COCO's own evaluator counts it."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from made_up import answers, blob, write_scenes
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sampipe.measure.quality.recall import SIZES, groups_of, ranks_by_group, recall_at
from sampipe.types import RLE


def stripe(rows: int, hw: tuple[int, int] = (100, 10), start: int = 0) -> RLE:
    mask = np.zeros(hw, bool)
    mask[start : start + rows] = True
    return RLE.from_mask(mask)


def test_a_proposal_counts_at_the_thresholds_that_it_reaches() -> None:
    [found] = ranks_by_group([stripe(72)], [stripe(100)], [["all"]])
    assert found["all"] == [0] * 5 + [None] * 5  # IoU 0.72: 0.50 to 0.70
    assert recall_at(found["all"], 1) == 0.5


def test_a_proposal_finds_one_object_and_the_better_proposal_chooses_first() -> None:
    truths = [stripe(100), stripe(80)]
    first, second = ranks_by_group([stripe(90), stripe(100)], truths, [["all"]] * 2)
    assert first["all"][0] == 0  # 90 overlaps 100 by 0.9 and 80 by 0.89
    assert second["all"][0] == 1
    assert recall_at(second["all"], 1) == 0


def test_a_group_is_matched_as_if_it_were_alone() -> None:
    truths = [stripe(100), stripe(80)]
    first, second = ranks_by_group([stripe(90)], truths, [["all", "large"], ["all", "small"]])
    assert second["all"][0] is None
    assert second["small"][0] == 0
    assert first["large"][0] == 0


def test_perfect_proposals_find_all_and_shuffled_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    truths = [blob(rng, radius=9) for _ in range(6)]
    found = ranks_by_group(truths, truths, [["all"]] * 6)
    assert np.mean([recall_at(one["all"], 1000) for one in found]) == 1
    assert np.mean([recall_at(one["all"], 1) for one in found]) == pytest.approx(1 / 6)
    others = [blob(rng, radius=9) for _ in range(6)]
    missed = ranks_by_group(others, truths, [["all"]] * 6)
    assert np.mean([recall_at(one["all"], 1000) for one in missed]) < 0.3


def test_no_proposals_and_no_objects() -> None:
    assert ranks_by_group([], [stripe(5)], [["all"]]) == [{"all": [None] * 10}]
    assert ranks_by_group([stripe(5)], [], []) == []


def test_groups_by_size_and_frequency() -> None:
    assert groups_of(1023, {}) == ["all", "small"]
    assert groups_of(1024, {}) == ["all", "small", "medium"]  # both ends count, as in COCO's evaluator
    assert groups_of(96**2 + 1, {"frequency": "r"}) == ["all", "large", "rare"]


@pytest.mark.parametrize("seed", [0, 1])
def test_as_cocos_evaluator_counts(tmp_path: Path, seed: int) -> None:
    folder = write_scenes(tmp_path / "data", seed=seed)
    document = json.loads((folder / "instances.json").read_text())
    results = answers(document, seed=seed + 10)
    limits = [1, 10, 30]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "instances.json"))
        found = truth.loadRes([{key: row[key] for key in row if key != "bbox"} for row in results])
        evaluator = COCOeval(truth, found, "segm")
        evaluator.params.useCats = 0
        evaluator.params.maxDets = limits
        evaluator.evaluate()
        evaluator.accumulate()

    ranks: list[dict[str, list[int | None]]] = []
    for image in document["images"]:
        objects = [row for row in document["annotations"] if row["image_id"] == image["id"] and not row["iscrowd"]]
        mine = sorted((row for row in results if row["image_id"] == image["id"]), key=lambda row: -row["score"])
        ranks += ranks_by_group(
            [RLE.from_coco(row["segmentation"]) for row in mine],
            [RLE.from_coco(row["segmentation"]) for row in objects],
            [groups_of(row["area"], {}) for row in objects],
        )
    for number, group in enumerate(("all", *SIZES)):
        of_group = [one[group] for one in ranks if group in one]
        assert len(of_group) > 4
        for column, most in enumerate(limits):
            theirs = evaluator.eval["recall"][:, 0, number, column].mean()
            assert np.mean([recall_at(one, most) for one in of_group]) == pytest.approx(theirs, abs=1e-12)
