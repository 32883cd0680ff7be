from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from knowing import scored, shuffled, truthful
from PIL import Image as PilImage

from sampipe.data.formats import read_images
from sampipe.errors import DataError
from sampipe.measure.quality.boxes import Boxes
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.task import Request, evaluate
from sampipe.models import load_model
from sampipe.models.weights.checkpoints import file_digest
from sampipe.types import RLE, Image, Prompts
from sampipe.types.rle import iou_matrix


def measure(model: Path, data: Path, **asked: Any) -> Evaluation:
    return evaluate(Boxes(), Request(model=str(model), data=data, **{"min_area": 100, **asked}))


@pytest.fixture
def evaluation(tiny_model: Path, coco_folder: Path) -> Evaluation:
    return measure(tiny_model, coco_folder)


def test_each_object_is_a_row_with_the_iou_of_the_models_mask(
    evaluation: Evaluation, tiny_model: Path, coco_folder: Path
) -> None:
    assert [row["annotation"] for row in evaluation.rows] == [1, 2, 3]
    assert evaluation.n == 3
    sam = load_model(str(tiny_model))
    image = Image.open(coco_folder / "images" / "1.png")
    [masks] = [sam.decode(sam.encode([image])[0], Prompts.from_boxes([[10, 10, 50, 40]]), multimask=False)]
    truth = json.loads((coco_folder / "instances.json").read_text())["annotations"][0]["segmentation"]
    iou = float(iou_matrix(masks.rle(), [RLE.from_coco(truth)])[0, 0])
    row = evaluation.rows[0]
    assert row["iou"] == pytest.approx(iou, abs=1e-3)
    assert row["predicted_iou"] == pytest.approx(float(masks.iou_scores[0, 0]), abs=1e-4)
    assert (row["data"], row["image"], row["category"]) == ("data", "1.png", "thing")


def test_perfect_answers_score_one_and_shuffled_ones_do_not(coco_folder: Path) -> None:
    picture = read_images(coco_folder)[0]
    rows = scored(Boxes(), {"model": truthful(picture), "shuffled": shuffled(picture)}, picture)["rows"]
    assert [row["iou"] for row in rows] == [row["boundary_iou"] for row in rows] == [1, 1]
    assert all(row["shuffled_iou"] < 0.3 for row in rows)
    assert all(row["predicted_iou"] is None for row in rows)


def test_the_ellipse_gets_ovals_right_and_blocks_to_pi_quarters(evaluation: Evaluation) -> None:
    ious = [row["ellipse_iou"] for row in evaluation.rows]
    assert ious == pytest.approx([1, np.pi / 4, 1], abs=0.01)


def test_the_summary_is_made_of_the_rows(evaluation: Evaluation) -> None:
    summary = evaluation.summary
    assert (summary["images"], summary["objects"]) == (2, 3)
    for prefix in ("", "ellipse_"):
        ious = [row[f"{prefix}iou"] for row in evaluation.rows]
        assert summary[f"{prefix}mean_iou"] == pytest.approx(np.mean(ious))
        low, high = summary[f"{prefix}mean_iou_interval"]
        assert min(ious) - 1e-9 <= low <= summary[f"{prefix}mean_iou"] <= high <= max(ious) + 1e-9
        assert summary[f"{prefix}seconds_per_image"] * 2 == pytest.approx(summary[f"{prefix}seconds_per_object"] * 3)
    gain = summary["mean_iou"] - summary["ellipse_mean_iou"]
    assert summary["gain_over_ellipse"] == pytest.approx(gain)
    assert -1 <= summary["spearman_interval"][0] <= summary["spearman_interval"][1] <= 1
    assert "ellipse_spearman" not in summary


def test_the_digest_is_that_of_the_weights(evaluation: Evaluation, tiny_model: Path) -> None:
    assert evaluation.versions["model_digest"] == file_digest(tiny_model)
    assert evaluation.versions["device"] == "cpu"


def test_the_digest_of_the_data_follows_their_content(
    evaluation: Evaluation, tiny_model: Path, coco_folder: Path
) -> None:
    file = coco_folder / "instances.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["bbox"][0] += 1
    file.write_text(json.dumps(content))
    other = measure(tiny_model, coco_folder)
    assert other.versions["data_digest"] != evaluation.versions["data_digest"]


def test_the_file_holds_all_of_it(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.write(tmp_path / "deep" / "figures.json")
    document = json.loads((tmp_path / "deep" / "figures.json").read_text())
    assert set(document) == {"task", "model", "data", "n", "summary", "rows", "versions"}
    assert document["task"] == "boxes"
    assert document["rows"] == evaluation.rows
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["figures.json"]


def test_a_number_that_is_not_finite_is_never_written(tmp_path: Path) -> None:
    broken = Evaluation(task="t", model="m", data="d", n=0, summary={"x": float("nan")}, rows=[], versions={})
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.write(tmp_path / "figures.json")
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_after_each_image(tiny_model: Path, coco_folder: Path) -> None:
    told: list[tuple[int, int]] = []
    measure(tiny_model, coco_folder, progress=lambda *numbers: told.append(numbers), min_area=1)
    assert told == [(1, 2), (2, 2)]


def test_several_data_sets_are_summed_up_apart_and_count_alike(tiny_model: Path, coco_folder: Path) -> None:
    file = coco_folder.parent / "sets.yaml"
    file.write_text("- data\n- {path: data, name: large, min_area: 1100}\n")
    evaluation = measure(tiny_model, file)
    whole, large = (evaluation.summary["data_sets"][name] for name in ("data", "large"))
    assert (whole["objects"], large["objects"]) == (3, 1)
    assert (whole["min_area"], large["min_area"]) == (100, 1100)
    assert evaluation.summary["mean_iou"] == pytest.approx((whole["mean_iou"] + large["mean_iou"]) / 2)
    assert [row["data"] for row in evaluation.rows] == ["data"] * 3 + ["large"]


def test_an_image_of_another_size_than_annotated_is_an_error(tiny_model: Path, coco_folder: Path) -> None:
    PilImage.new("RGB", (30, 20)).save(coco_folder / "images" / "2.png")
    with pytest.raises(DataError, match=r"2\.png: the file is \(20, 30\), its annotations \(60, 80\)"):
        measure(tiny_model, coco_folder, min_area=1)


def test_a_box_outside_its_image_is_an_error(tiny_model: Path, coco_folder: Path) -> None:
    file = coco_folder / "instances.json"
    content = json.loads(file.read_text())
    content["annotations"][1]["bbox"] = [500, 500, 20, 20]
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"1\.png: 1 of 2 prompts lie outside"):
        measure(tiny_model, coco_folder, min_area=1)


def test_another_model_may_be_the_competitor(tiny_model: Path, coco_folder: Path) -> None:
    found = measure(tiny_model, coco_folder, competitors=[str(tiny_model)])
    assert found.summary["competitors"] == [str(tiny_model)]
    assert found.summary[f"gain_over_{tiny_model}"] == 0
    assert found.versions[f"{tiny_model}_digest"] == found.versions["model_digest"]
