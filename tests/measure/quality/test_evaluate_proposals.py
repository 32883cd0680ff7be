from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import write_scenes

from sampipe.data.annotations import read_annotations
from sampipe.errors import DataError
from sampipe.measure.quality.proposals import Proposals, ranked
from sampipe.measure.quality.recall import recall_at
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.smoke import write_images, write_random_model
from sampipe.measure.quality.task import Request, evaluate
from sampipe.nodes import SegmentEverything
from sampipe.types import RLE, Frame, Image, Masks, Prompts


def measure(side: int, model: Path, data: Path, **asked: Any) -> Evaluation:
    return evaluate(Proposals(points_per_side=side), Request(model=str(model), data=data, **asked))


class Given(SegmentEverything):
    """Automatic masks that are given: what is measured is the evaluator."""

    def run(self, image: Image) -> Masks:
        return self.masks  # type: ignore[attr-defined, no-any-return]


def given(masks: list[RLE], ious: list[float], stability: list[float]) -> Given:
    node = Given()
    found = Masks(
        frame=Frame.identity(masks[0].hw),
        prompts=Prompts.from_points(np.zeros((len(masks), 2))),
        iou_scores=np.array(ious)[:, None],
        stability=np.array(stability)[:, None],
        rles=tuple((mask,) for mask in masks),
    )
    object.__setattr__(node, "masks", found)
    return node


def test_the_rank_is_by_the_mean_of_predicted_iou_and_stability() -> None:
    masks = [RLE.from_mask(np.tri(5, k=k)) for k in range(3)]
    node = given(masks, ious=[0.9, 0.5, 0.8], stability=[0.5, 1.0, 0.7])
    found = ranked(node.run(Image(np.zeros((5, 5, 3), np.uint8))))
    assert found == [masks[1], masks[2], masks[0]]  # 0.75, 0.75, 0.7: of equal ones the first found


def test_perfect_proposals_score_one_and_others_do_not(tmp_path: Path) -> None:
    read = read_annotations(write_scenes(tmp_path / "data", images=2))
    first, second = read.images
    masks = [one.mask for one in first.objects if not one.crowd]
    task = Proposals()
    task._nodes = {"model": given(masks, ious=[0.9] * len(masks), stability=[0.9] * len(masks))}
    task._categories, task._min_area = read.categories, 0
    rows = task.score(first, task.answer(first))["rows"]
    assert len(rows) == len(masks)
    assert [recall_at(row["ranks"]["all"], 1000) for row in rows] == [1] * len(rows)
    others = task.score(second, task.answer(second))["rows"]
    assert np.mean([recall_at(row["ranks"]["all"], 1000) for row in others]) < 0.3


def test_the_summary_is_made_of_the_rows_and_lvis_has_frequencies(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "data", images=2, lvis=True)
    model = write_random_model(tmp_path / "random.safetensors")
    evaluation = measure(2, model, folder, out=tmp_path / "run")
    summary = evaluation.summary
    assert summary["objects"] == len(evaluation.rows) == read_annotations(folder).objects
    for group, key in (("all", "ar100"), ("medium", "ar100_medium"), ("rare", "ar100_rare")):
        ranks = [row["ranks"][group] for row in evaluation.rows if group in row["ranks"]]
        assert summary[f"objects_{group}"] == len(ranks) > 0
        assert summary[key] == pytest.approx(np.mean([recall_at(one, 100) for one in ranks]))
    again = measure(2, model, folder, out=tmp_path / "run")
    assert again == evaluation
    json.loads(evaluation.to_json())
    with pytest.raises(DataError, match="points_per_side was 2 and is 3"):
        measure(3, model, folder, out=tmp_path / "run")


def test_coco_has_no_frequencies(tmp_path: Path) -> None:
    model, data = write_random_model(tmp_path / "random.safetensors"), write_images(tmp_path / "data")
    summary = measure(2, model, data).summary
    assert summary["objects_rare"] == 0
    assert "ar1000_rare" not in summary
    assert summary["proposals_per_image"] >= 1


def test_other_models_take_part_and_small_objects_do_not(tmp_path: Path) -> None:
    model, data = write_random_model(tmp_path / "random.safetensors"), write_images(tmp_path / "data")
    areas = sorted(one.mask.area for image in read_annotations(data).images for one in image.objects)
    summary = measure(2, model, data, competitors=[str(model)], min_area=areas[2]).summary
    assert summary["objects_all"] == 4
    assert summary[f"{model}_ar1000"] == summary["ar1000"]
    with pytest.raises(DataError, match="got watershed; wanted other models"):
        measure(2, model, data, competitors=["watershed"])
