"""Clicks on hand-made objects whose figures can be told without a computer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from knowing import Pieces, scored, shuffled, truthful
from PIL import Image as PilImage

from sampipe.data.annotated import AnnotatedImage, GroundTruth
from sampipe.data.formats import read_images
from sampipe.measure.quality.clicks import center_click
from sampipe.measure.quality.points import Points, clicks_needed
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.sam_baseline import SamBaseline
from sampipe.measure.quality.smoke import write_images, write_random_model
from sampipe.measure.quality.task import Request, evaluate
from sampipe.models import load_model
from sampipe.types import RLE, Image, Prompts
from sampipe.types.rle import iou_matrix


def measure(model: Path, data: Path, **asked: Any) -> Evaluation:
    return evaluate(Points(), Request(model=str(model), data=data, min_area=1, **asked))


@pytest.fixture
def three_squares(tmp_path: Path) -> tuple[AnnotatedImage, list[np.ndarray]]:
    """One object of three parts: 12 x 12, 8 x 8 and 4 x 4 pixels."""
    parts = []
    for x, y, side in ((2, 2, 12), (30, 4, 8), (50, 20, 4)):
        part = np.zeros((40, 60), bool)
        part[y : y + side, x : x + side] = True
        parts.append(part)
    PilImage.new("RGB", (60, 40)).save(tmp_path / "squares.png")
    mask = RLE.from_mask(np.any(parts, axis=0))
    truth = GroundTruth(1, "squares", tuple(mask.box.tolist()), mask)
    return AnnotatedImage(tmp_path / "squares.png", (truth,)), parts


def test_each_click_adds_the_largest_part_that_is_missing(
    three_squares: tuple[AnnotatedImage, list[np.ndarray]],
) -> None:
    picture, parts = three_squares
    [row] = scored(Points(), {"model": Pieces(parts)}, picture)["rows"]
    assert row["click_ious"] == pytest.approx([144 / 224, 208 / 224, 1])
    assert row["iou"] == row["oracle_iou"] == pytest.approx(144 / 224)
    assert clicks_needed(row["click_ious"], 0.85, 20) == 2
    assert clicks_needed(row["click_ious"], 0.95, 20) == 3


def test_what_is_never_reached_counts_as_the_largest_number(
    three_squares: tuple[AnnotatedImage, list[np.ndarray]],
) -> None:
    picture, parts = three_squares
    found = scored(Points(), {"model": Pieces(parts[:2])}, picture)
    [row] = found["rows"]
    assert row["click_ious"] == pytest.approx([144 / 224] + [208 / 224] * 8)  # nine are always asked
    assert found["seconds"]["model"]["corrections_asked"] == 8
    [row] = scored(Points(), {"model": Pieces(parts[:1])}, picture)["rows"]
    assert len(row["click_ious"]) == 20
    assert clicks_needed(row["click_ious"], 0.85, 20) == 20


def test_perfect_answers_score_one_and_shuffled_ones_do_not(coco_folder: Path) -> None:
    picture = read_images(coco_folder)[0]
    methods = {"model": truthful(picture), "shuffled": shuffled(picture)}
    rows = scored(Points(max_clicks=9), methods, picture)["rows"]
    for row in rows:
        assert row["iou"] == row["random_iou"] == row["oracle_iou"] == 1
        assert row["click_ious"] == [1]
        assert row["shuffled_iou"] < 0.3
        assert max(row["shuffled_click_ious"]) < 0.9


def test_the_oracle_takes_the_best_of_three_and_the_single_answer_the_likeliest(tmp_path: Path) -> None:
    model, data = write_random_model(tmp_path / "random.safetensors"), write_images(tmp_path / "data")
    evaluation = measure(model, data, competitors=[])
    first = evaluation.rows[0]
    sam = load_model(str(model))
    image = Image.open(data / "images" / "1.png")
    truth = read_images(data)[0].objects[0].mask
    click = center_click(truth.decode())
    masks = sam.decode(sam.encode([image])[0], Prompts.from_points([[click.x, click.y]]), multimask=True)
    ious = iou_matrix(masks.all_rles()[0], [truth])[:, 0]
    assert first["oracle_iou"] == pytest.approx(ious.max())
    assert first["iou"] == pytest.approx(ious[masks.iou_scores[0].argmax()])
    assert first["predicted_iou"] == pytest.approx(masks.iou_scores[0].max())
    assert all(row["oracle_iou"] >= row["iou"] for row in evaluation.rows)


def test_corrections_carry_all_clicks_and_the_mask_before(tmp_path: Path) -> None:
    """Objects answered together get what each gets alone, whenever the others leave."""
    model, data = write_random_model(tmp_path / "random.safetensors"), write_images(tmp_path / "data")
    picture = read_images(data)[0]
    methods = {"model": SamBaseline(load_model(str(model)))}
    together = scored(Points(max_clicks=9), methods, picture)["rows"]
    for index, truth in enumerate(picture.objects):
        [alone] = scored(Points(max_clicks=9), methods, AnnotatedImage(picture.path, (truth,)))["rows"]
        assert alone["click_ious"] == pytest.approx(together[index]["click_ious"], abs=1e-6)
        assert alone["random_iou"] == pytest.approx(together[index]["random_iou"], abs=1e-6)


def test_the_summary_is_made_of_the_rows(tmp_path: Path) -> None:
    model, data = write_random_model(tmp_path / "random.safetensors"), write_images(tmp_path / "data")
    evaluation = measure(model, data, competitors=["wand"], seed=3)
    summary, rows = evaluation.summary, evaluation.rows
    assert summary["wand_mean_iou"] > 0.99
    assert summary["wand_noc90"] == 1
    assert summary["noc90"] == np.mean([clicks_needed(row["click_ious"], 0.9, 20) for row in rows])
    assert summary["never_reached_90"] == np.mean([max(row["click_ious"]) < 0.9 for row in rows])
    after_three = [row["click_ious"][min(3, len(row["click_ious"])) - 1] for row in rows]
    assert summary["mean_iou_after_3"] == pytest.approx(np.mean(after_three))
    assert summary["gain_over_wand"] == pytest.approx(summary["mean_iou"] - summary["wand_mean_iou"])
    again = measure(model, data, competitors=["wand"], seed=3)
    assert again.rows == rows
