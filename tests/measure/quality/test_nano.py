"""The embedded model is worth its bytes: random weights would not pass this."""

from __future__ import annotations

from pathlib import Path

from sampipe.measure.quality.boxes import Boxes
from sampipe.measure.quality.task import Request, evaluate


def test_nano_beats_an_ellipse_in_the_box_on_photos(shared_data: Path) -> None:
    evaluation = evaluate(Boxes(), Request(data=shared_data / "coco-val", device="cpu", limit=16))
    assert evaluation.summary["mean_iou"] >= 0.6
    assert evaluation.summary["mean_iou"] >= evaluation.summary["ellipse_mean_iou"] + 0.03
