"""Results picture by picture: measured once, in one folder, of one run, by several processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sampipe.errors import DataError
from sampipe.eval.boxes import evaluate_boxes
from sampipe.eval.results import Results, Shard, Unfinished, keys

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


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
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
    with pytest.raises(Unfinished, match="2 of 3 pictures are measured"):
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
    assert keys(["a", "b", "a"]) == ["a", "b", "a#2"]
    assert keys(["a", "a#2", "a"]) == ["a", "a#2", "a#3"]
    Results(tmp_path, {}).collect({"a/b": 1, "a-b": 2}, lambda item: {"value": item})
    assert len(list((tmp_path / "images").iterdir())) == 2


def test_an_evaluation_goes_on_and_refuses_other_data(tiny_model: Path, coco_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = evaluate_boxes(str(tiny_model), coco_folder, min_area=1, out=out)
    assert evaluate_boxes(str(tiny_model), coco_folder, min_area=1, out=out) == first  # its seconds, too
    with pytest.raises(DataError, match="data_digest was"):
        evaluate_boxes(str(tiny_model), coco_folder, min_area=1, out=out, limit=1)
    with pytest.raises(DataError, match="competitors was"):
        evaluate_boxes(str(tiny_model), coco_folder, min_area=1, out=out, competitors=[])
