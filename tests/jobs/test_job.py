"""A job: every image one row, stopped anywhere, gone on with, never mixed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image as PilImage

import sampipe as sp
from sampipe.jobs import Job, Progress, masks_of_row, read_manifest, read_rows, write_manifest
from sampipe.jobs.exports import write_coco
from sampipe.jobs.suspects import DEATHS, SUSPECTS, Suspects


@pytest.fixture
def folder(tmp_path: Path, pictures: list[Path]) -> Path:
    out = tmp_path / "job"
    write_manifest(map(str, pictures), out / "manifest.parquet")
    return out


def paths(folder: Path) -> list[str]:
    return [row["path"] for row in read_rows(folder / "rows")]


def test_every_image_has_its_row_in_order(folder: Path, graph: sp.Graph, pictures: list[Path]) -> None:
    seen: list[Progress] = []
    state = Job(folder, graph, rows_per_file=3).run(seen.append)
    assert (state.total, state.done, state.errors) == (7, 7, 0)
    assert paths(folder) == [str(path) for path in pictures]
    assert len(list((folder / "rows").glob("*.parquet"))) == 3
    assert [one.state.done for one in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert seen[-1].seconds_left == 0


def test_a_row_gives_its_masks_back(folder: Path, graph: sp.Graph, pictures: list[Path]) -> None:
    Job(folder, graph).run()
    row = next(read_rows(folder / "rows"))
    masks, wanted = masks_of_row(row), graph.run(image=sp.Image.open(pictures[0])).masks
    np.testing.assert_array_equal(masks.binary(), wanted.binary())
    assert masks.prompts.labels == ("bright", "dark")
    np.testing.assert_array_equal(masks.prompts.class_ids, [0, 1])
    np.testing.assert_array_equal(masks.prompts.scores, np.float32([0.5, 0.25]))
    assert np.isnan(masks.iou_scores).all()
    np.testing.assert_array_equal(masks.prompts.boxes, wanted.boxes())


def test_bad_images_are_rows_with_the_reason(folder: Path, graph: sp.Graph, pictures: list[Path]) -> None:
    PilImage.new("RGB", (32, 24)).save(pictures[1])
    pictures[2].write_bytes(b"no picture")
    write_manifest([*map(str, pictures), "missing.png"], folder / "manifest.parquet")
    state = Job(folder, graph).run()
    errors = {row["path"]: row["error"] for row in read_rows(folder / "rows") if row["error"]}
    assert (state.done, state.errors) == (8, 3)
    assert list(errors) == [str(pictures[1]), str(pictures[2]), "missing.png"]
    for path, reason in zip(errors, ("a black picture", "not a picture", "cannot be read"), strict=True):
        assert reason in errors[path]


def test_an_interrupted_job_keeps_what_is_done_and_does_only_the_rest(folder: Path, graph: sp.Graph) -> None:
    done: list[str] = []

    def stop(progress: Progress) -> None:
        done.append(progress.row["path"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Job(folder, graph).run(stop)
    kept = paths(folder)
    assert set(done) <= set(kept) and len(kept) < 7
    again: list[str] = []
    Job(folder, graph).run(lambda progress: again.append(progress.row["path"]))
    assert sorted(again + kept) == sorted(entry.path for entry in read_manifest(folder / "manifest.parquet"))
    assert sorted(paths(folder)) == sorted(again + kept)
    assert not (folder / "suspects.json").exists()


def test_a_job_goes_on_only_with_the_same_graph_exports_and_manifest(
    folder: Path, graph: sp.Graph, other_graph: sp.Graph, pictures: list[Path]
) -> None:
    Job(folder, graph, save=["coco"]).run()
    with pytest.raises(sp.DataError, match=r"another graph .*level: 9"):
        Job(folder, other_graph, save=["coco"]).run()
    with pytest.raises(sp.DataError, match="another save"):
        Job(folder, graph).run()
    write_manifest(map(str, pictures[:2]), folder / "manifest.parquet")
    with pytest.raises(sp.DataError, match="another manifest"):
        Job(folder, graph, save=["coco"]).run()


def test_a_file_that_changed_since_the_manifest_is_an_error(
    folder: Path, graph: sp.Graph, pictures: list[Path]
) -> None:
    PilImage.new("RGB", (32, 24), "white").save(pictures[3])
    Job(folder, graph).run()
    errors = [row["error"] for row in read_rows(folder / "rows") if row["error"]]
    assert len(errors) == 1 and "changed since the manifest" in errors[0]


def test_rows_that_went_or_came_from_elsewhere_are_noticed(folder: Path, graph: sp.Graph) -> None:
    Job(folder, graph, rows_per_file=3).run()
    first = folder / "rows" / "part-00000.parquet"
    (folder / "rows" / "part-00009.parquet").write_bytes(first.read_bytes())
    with pytest.raises(sp.DataError, match="3 have several"):
        Job(folder, graph).run()


def test_two_processes_do_not_share_a_job(folder: Path, graph: sp.Graph) -> None:
    with FileLock(folder / ".lock"), pytest.raises(sp.DataError, match="Another process"):
        Job(folder, graph).run()


def test_an_image_that_kills_its_process_is_done_last_and_given_up_in_the_end(
    folder: Path, graph: sp.Graph, pictures: list[Path]
) -> None:
    killer = str(pictures[0])
    for _ in range(DEATHS):
        Suspects(folder / SUSPECTS).begins(killer, alone=True)  # and the process is no more
    order: list[str] = []
    state = Job(folder, graph).run(lambda progress: order.append(progress.row["path"]))
    assert order[-1] == killer
    assert state.errors == 1
    assert next(row["error"] for row in read_rows(folder / "rows") if row["path"] == killer).startswith("given up")


def test_an_image_under_way_at_a_death_is_only_a_suspect(folder: Path, graph: sp.Graph, pictures: list[Path]) -> None:
    for path in pictures[:2]:
        Suspects(folder / SUSPECTS).begins(str(path), alone=False)
    order: list[str] = []
    assert Job(folder, graph).run(lambda progress: order.append(progress.row["path"])).errors == 0
    assert order[-1] == str(pictures[1])


def test_the_coco_file_is_what_the_node_would_have_written(
    folder: Path, graph: sp.Graph, pictures: list[Path], tmp_path: Path
) -> None:
    from sampipe.nodes import SaveCoco

    Job(folder, graph).run()
    write_coco(folder / "rows", "masks", tmp_path / "rows.json")
    save = SaveCoco(path=str(tmp_path / "node.json"))
    for path in pictures:
        image = sp.Image.open(path)
        save.run(image, graph.run(image=image).masks)
    save.flush()
    from_rows, from_node = (json.loads((tmp_path / name).read_text()) for name in ("rows.json", "node.json"))
    assert from_rows["images"] == from_node["images"]
    assert from_rows["categories"] == from_node["categories"]
    for mine, nodes in zip(from_rows["annotations"], from_node["annotations"], strict=True):
        assert mine == nodes
