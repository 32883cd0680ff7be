"""Results image by image: measured once, in one folder, of one run, by several processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampipe.errors import DataError
from sampipe.measure.quality.boxes import Boxes
from sampipe.measure.quality.report import Evaluation
from sampipe.measure.quality.results import Results, Shard, Unfinished, keyed
from sampipe.measure.quality.task import Request, evaluate

ITEMS = {"data/a.jpg": 1, "data/b.jpg": 2, "data/c.jpg": 3}


def collect(folder: Path | None, measured: list[int], shard: str = "1/1", **fingerprint: Any) -> list[dict[str, Any]]:
    def measure(item: int) -> dict[str, Any]:
        if item < 0:
            raise KeyboardInterrupt
        measured.append(item)
        return {"value": item * 10, "pair": (1, 2)}

    return Results(folder, fingerprint, Shard.parse(shard)).collect(ITEMS, measure)


def test_what_is_in_the_folder_is_not_measured_again_and_reads_the_same(tmp_path: Path) -> None:
    measured: list[int] = []
    first = collect(tmp_path, measured, model="m")
    assert collect(tmp_path, measured, model="m") == first
    assert measured == [1, 2, 3]
    assert first[0] == {"value": 10, "pair": [1, 2]}


def test_an_interrupted_run_is_resumed(tmp_path: Path) -> None:
    done: list[int] = []

    def stop_at_three(item: int) -> dict[str, Any]:
        if item == 3:
            raise KeyboardInterrupt
        return {"value": item * 10}

    with pytest.raises(KeyboardInterrupt):
        Results(tmp_path, {}).collect(ITEMS, stop_at_three)
    found = collect(tmp_path, done)
    assert done == [3]
    assert [one["value"] for one in found] == [10, 20, 30]


def test_progress_counts_what_was_there(tmp_path: Path) -> None:
    Results(tmp_path, {}).collect({"data/a.jpg": 1}, lambda item: {"value": item})
    told: list[tuple[int, int]] = []
    Results(tmp_path, {}).collect(ITEMS, lambda item: {"value": item}, lambda *numbers: told.append(numbers))
    assert told == [(2, 3), (3, 3)]


def test_another_run_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    collect(tmp_path, [], model="m", seed=0)
    with pytest.raises(DataError, match=r'holds another run: model was "m" and is "n"'):
        collect(tmp_path, [], model="n", seed=0)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    collect(tmp_path, [])
    file = next((tmp_path / "images").iterdir())
    file.write_text("{")
    with pytest.raises(DataError, match=f"{file.name}: damaged"):
        collect(tmp_path, [])


def test_shards_share_the_work_and_the_last_one_sees_it_all(tmp_path: Path) -> None:
    first: list[int] = []
    second: list[int] = []
    with pytest.raises(Unfinished, match="2 of 3 images are measured"):
        collect(tmp_path, first, shard="1/2")
    found = collect(tmp_path, second, shard="2/2")
    assert (first, second) == ([1, 3], [2])
    assert [one["value"] for one in found] == [10, 20, 30]


def test_a_shard_without_a_folder_is_an_error() -> None:
    with pytest.raises(DataError, match="give --out"):
        collect(None, [], shard="1/2")


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/2/3", ""])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(DataError, match="wanted such as 2/8"):
        Shard.parse(text)


def test_names_that_occur_twice_are_told_apart(tmp_path: Path) -> None:
    assert keyed(["a", "b", "a"], [1, 2, 3]) == {"a": 1, "b": 2, "a#2": 3}
    assert keyed(["a", "a#2", "a"], [1, 2, 3]) == {"a": 1, "a#2": 2, "a#3": 3}
    Results(tmp_path, {}).collect({"a/b": 1, "a-b": 2}, lambda item: {"value": item})
    assert len(list((tmp_path / "images").iterdir())) == 2


def test_an_evaluation_is_resumed_and_refuses_other_data(tiny_model: Path, coco_folder: Path, tmp_path: Path) -> None:
    def measure(**asked: Any) -> Evaluation:
        request = Request(model=str(tiny_model), data=coco_folder, min_area=1, out=tmp_path / "run")
        return evaluate(Boxes(), replace(request, **asked))

    first = measure()
    assert measure() == first  # its seconds, too
    for asked, message in (
        ({"limit": 1}, "data_digest was"),
        ({"competitors": []}, "competitors was"),
        ({"min_area": 2}, "min_area was"),
    ):
        with pytest.raises(DataError, match=message):
            measure(**asked)
