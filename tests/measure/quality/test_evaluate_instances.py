from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sampipe as sp
from sampipe.data.annotations import Annotations, read_annotations
from sampipe.errors import DataError
from sampipe.measure.quality.average_precision import average_precision
from sampipe.measure.quality.detections import DetectorNode, ResultsFile
from sampipe.measure.quality.instances import Instances
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.smoke import write_images, write_random_model
from sampipe.measure.quality.task import Request, evaluate


class Finds(sp.Node):
    """A detector whose findings are given."""

    boxes: list[list[float]]
    labels: list[str]
    scores: list[float]

    def run(self, image: sp.Image) -> sp.Prompts:
        return sp.Prompts.from_boxes(self.boxes, labels=self.labels, scores=self.scores)


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_random_model(tmp_path / "random.safetensors"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_images(tmp_path / "data")


@pytest.fixture
def read(data: Path) -> Annotations:
    return read_annotations(data)


def measure(model: str, data: Path, detections: Path | sp.Node, **asked: Any) -> Evaluation:
    return evaluate(Instances(detections=detections), Request(model=model, data=data, **asked))


def rewrite(file: Path, change: Any) -> None:
    rows = json.loads(file.read_text())
    change(rows)
    file.write_text(json.dumps(rows))


def test_true_boxes_lose_only_what_the_masks_lose(model: str, data: Path, read: Annotations, tmp_path: Path) -> None:
    out = tmp_path / "run"
    evaluation = measure(model, data, data / "detections.json", out=out)
    summary = evaluation.summary
    assert summary["box_ap"] == pytest.approx(1)
    # an ellipse in the box of the ellipse is right, in that of a rectangle pi quarters, in that of the ring less
    assert summary["ellipse_ap50"] == pytest.approx(1)
    assert 0.3 < summary["ellipse_ap"] < 0.9
    assert summary["ellipse_share_of_ap_lost"] == pytest.approx(1 - summary["ellipse_ap"])
    answered = [{**row, "segmentation": row["segmentations"]["model"]} for row in evaluation.rows]
    assert summary["ap"] == average_precision(read, answered, "segm")["ap"]
    assert measure(model, data, data / "detections.json", out=out) == evaluation
    rewrite(data / "detections.json", lambda rows: rows.pop())
    with pytest.raises(DataError, match="detections_digest was"):
        measure(model, data, data / "detections.json", out=out)


def test_a_detector_is_known_by_the_names_of_its_classes(data: Path, read: Annotations) -> None:
    node = Finds(boxes=[[1, 2, 30, 40], [5, 5, 9, 9]], labels=["ring", "unicorn"], scores=[0.5, 0.9])
    annotated = read.images[0]
    found = DetectorNode(node, read).of(annotated, annotated.open())
    assert found.category_ids.tolist() == [3]
    assert found.boxes.tolist() == [[1, 2, 30, 40]]
    assert (found.scores.tolist(), found.unknown) == ([0.5], 1)


def test_the_best_detections_of_an_image_count(data: Path, read: Annotations) -> None:
    boxes = [[0, 0, 10 + k, 10] for k in range(4)]
    node = Finds(boxes=boxes, labels=["ring"] * 4, scores=[0.1, 0.4, 0.2, 0.3])
    found = DetectorNode(node, read).of(read.images[0], read.images[0].open()).best(2)
    assert found.scores.tolist() == pytest.approx([0.4, 0.3])
    assert found.boxes[:, 2].tolist() == [11, 13]


def test_coco_counts_detections_by_category_and_lvis_all_together(data: Path, read: Annotations) -> None:
    boxes, scores = [[0, 0, 10 + k, 10] for k in range(4)], [0.1, 0.4, 0.2, 0.3]
    node = Finds(boxes=boxes, labels=["ring", "ring", "ellipse", "ring"], scores=scores)
    found = DetectorNode(node, read).of(read.images[0], read.images[0].open())
    assert found.best(1).scores.tolist() == pytest.approx([0.4, 0.2])
    assert found.best(1, of_all=True).scores.tolist() == pytest.approx([0.4])


def test_a_box_outside_the_image_has_an_empty_mask(model: str, data: Path) -> None:
    node = Finds(boxes=[[300, 300, 400, 400], [10, 10, 50, 50]], labels=["ring", "ring"], scores=[0.9, 0.8])
    evaluation = measure(model, data, node, competitors=[])
    first, second = (sp.RLE.from_coco(row["segmentations"]["model"]) for row in evaluation.rows[:2])
    assert first.area == 0
    assert second.area > 0
    assert evaluation.rows[0]["bbox"] == [300, 300, 100, 100]


def test_small_objects_neither_count_nor_cost(model: str, data: Path) -> None:
    areas = [one.mask.area for image in read_annotations(data).images for one in image.objects]
    found = measure(model, data, data / "detections.json", competitors=[], min_area=sorted(areas)[2]).summary
    assert found["objects"] == 4
    assert found["box_ap"] == pytest.approx(1)


def test_no_detection_at_all_is_an_ap_of_zero(model: str, data: Path) -> None:
    summary = measure(model, data, Finds(boxes=[], labels=[], scores=[])).summary
    assert (summary["box_ap"], summary["ap"], summary["share_of_ap_lost"]) == (0, 0, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[0].pop("score"), "result 0: lacks score"),
        (lambda rows: rows[0].update(bbox=[1, 2]), "result 0: bbox"),
        (lambda rows: rows[0].update(score=float("nan")), r"detections\.json.*(NaN|nan)"),
        (lambda rows: rows[1].update(category_id=99), "result 1 is of category 99, which the data lack"),
        (lambda rows: [row.update(image_id=77) for row in rows], "none of its results is about an image"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(data: Path, read: Annotations, change: Any, message: str) -> None:
    rewrite(data / "detections.json", change)
    with pytest.raises(DataError, match=message):
        ResultsFile(data / "detections.json", read)


def test_a_file_that_is_none(tmp_path: Path, read: Annotations) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(DataError, match=r"x\.json"):
        ResultsFile(tmp_path / "x.json", read)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DataError, match="wanted a list of results"):
        ResultsFile(tmp_path / "x.json", read)


def test_what_gives_no_boxes_is_no_detector(read: Annotations) -> None:
    class Points(sp.Node):
        def run(self, image: sp.Image) -> sp.Prompts:
            return sp.Prompts.from_points(np.ones((1, 2)))

    with pytest.raises(DataError, match=r"Points\(\) is no detector"):
        DetectorNode(Points(), read).of(read.images[0], read.images[0].open())
