"""Time on equal terms: what counts, and what is made of it. No clock decides these tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from knowing import Knowing

from sampipe.measure.quality.comparison import Comparison, speed_summary
from sampipe.types import RLE, Image, Prompts


def boxes(count: int) -> Prompts:
    return Prompts.from_boxes([[0, 0, 5, 5 + k] for k in range(count)])


@pytest.mark.parametrize(("objects", "starts"), [(9, 1), (10, 1), (12, 2)])
def test_ten_objects_are_asked_about_apart_where_there_are_more(coco_folder: Path, objects: int, starts: int) -> None:
    image = Image.open(coco_folder / "images" / "1.png")
    knowing = Knowing([RLE.empty(image.hw)] * objects)
    asked = Comparison({"model": knowing}).ask(image, boxes(objects))["model"]
    seconds = asked.seconds
    assert len(asked.answers) == objects
    assert knowing.starts == 1 + starts  # once before the clock
    assert (seconds["ten"] is None) == (objects < 10)
    assert seconds["start"] <= seconds["all"]
    if objects == 10:
        assert seconds["ten"] == seconds["all"]


def test_everybody_answers_once_before_any_clock(coco_folder: Path) -> None:
    image = Image.open(coco_folder / "images" / "1.png")
    methods = {name: Knowing([RLE.empty(image.hw)] * 2) for name in ("model", "other")}
    comparison = Comparison(methods)
    comparison.ask(image, boxes(2))
    assert [method.starts for method in methods.values()] == [2, 2]
    comparison.ask(image, boxes(2))
    assert [method.starts for method in methods.values()] == [3, 3]


def test_seconds_by_image_by_object_and_with_ten_objects() -> None:
    def image(name: str, objects: int, model: tuple[float, float | None], other: tuple[float, float | None]) -> dict:
        seconds = {key: {"all": all_, "ten": ten} for key, (all_, ten) in (("model", model), ("other", other))}
        return {"rows": [{"image": name}] * objects, "seconds": seconds}

    few = image("few.jpg", 2, (0.2, None), (1.0, None))
    many = image("many.jpg", 20, (0.8, 0.5), (10.0, 5.0))
    summary = speed_summary([few, many], ["model", "other"])
    assert summary["images_with_10_objects"] == ["many.jpg"]
    assert summary["seconds_per_image"] == pytest.approx(0.5)
    assert summary["other_seconds_per_object"] == pytest.approx(0.5)
    assert summary["seconds_with_10_objects"] == pytest.approx(0.5)
    assert summary["times_faster_than_other"] == pytest.approx(10)
    alone = speed_summary([few], ["model", "other"])
    assert alone["seconds_with_10_objects"] is None
    assert alone["times_faster_than_other"] == pytest.approx(5)
