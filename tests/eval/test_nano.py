"""The embedded model is worth its bytes: random weights would not pass this."""

from __future__ import annotations

from pathlib import Path

from sampipe.eval.boxes import evaluate_boxes


def test_nano_beats_an_ellipse_in_the_box_on_photos(shared_data: Path) -> None:
    evaluation = evaluate_boxes("nano", shared_data / "coco-val", device="cpu", limit=16, min_area=1024)
    assert evaluation.summary["mean_iou"] >= 0.6
    assert evaluation.summary["mean_iou"] >= evaluation.summary["ellipse_mean_iou"] + 0.03
