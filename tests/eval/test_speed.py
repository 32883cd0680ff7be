"""Time on equal terms: what is asked, what counts, and what is made of it. No clock decides these tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from knowing import Knowing, truthful

from sampipe.eval.contest import Contest, ask
from sampipe.eval.datasets import DataSet, open_picture
from sampipe.eval.speed import speed_summary
from sampipe.types import RLE, Image, Prompts
from sampipe.types.coco import read_coco


def boxes(count: int) -> Prompts:
    return Prompts.from_boxes([[0, 0, 5, 5 + k] for k in range(count)])


@pytest.mark.parametrize(("objects", "looks"), [(9, 1), (10, 1), (12, 2)])
def test_ten_objects_are_asked_about_apart_where_there_are_more(coco_folder: Path, objects: int, looks: int) -> None:
    image = Image.open(coco_folder / "images" / "1.png")
    knowing = Knowing([RLE.empty(image.hw)] * objects)
    _, answers, seconds = ask(knowing, image, boxes(objects))
    assert len(answers) == objects
    assert knowing.looks == looks
    assert (seconds["ten"] is None) == (objects < 10)
    assert seconds["start"] <= seconds["all"]
    if objects == 10:
        assert seconds["ten"] == seconds["all"]


def test_the_first_picture_is_answered_once_before_any_clock(coco_folder: Path) -> None:
    pictures = tuple(read_coco(coco_folder))
    entrants = {"model": truthful(pictures[0]), "other": truthful(pictures[0])}
    contest = Contest(
        task="t",
        model="m",
        data="d",
        entrants=entrants,
        data_sets=[DataSet("data", pictures, 0)],
        parameters={},
        versions={},
    )
    looks: list[int] = []

    def measure(entrants, picture):  # type: ignore[no-untyped-def]
        open_picture(picture)
        looks.append(entrants["model"].looks)
        return {"rows": [{"image": picture.path.name}], "seconds": {}}

    contest.run(measure, lambda measured, names: {"objects": len(measured), "images": len(measured)})
    assert looks == [1, 1]


def test_seconds_by_image_by_object_and_with_ten_objects() -> None:
    def picture(name: str, objects: int, model: tuple[float, float | None], rival: tuple[float, float | None]) -> dict:
        seconds = {key: {"all": all_, "ten": ten} for key, (all_, ten) in (("model", model), ("rival", rival))}
        return {"rows": [{"image": name}] * objects, "seconds": seconds}

    few = picture("few.jpg", 2, (0.2, None), (1.0, None))
    many = picture("many.jpg", 20, (0.8, 0.5), (10.0, 5.0))
    summary = speed_summary([few, many], ["model", "rival"])
    assert summary["images_with_10_objects"] == ["many.jpg"]
    assert summary["seconds_per_image"] == pytest.approx(0.5)
    assert summary["rival_seconds_per_object"] == pytest.approx(0.5)
    assert summary["seconds_with_10_objects"] == pytest.approx(0.5)
    assert summary["times_faster_than_rival"] == pytest.approx(10)
    alone = speed_summary([few], ["model", "rival"])
    assert alone["seconds_with_10_objects"] is None
    assert alone["times_faster_than_rival"] == pytest.approx(5)
