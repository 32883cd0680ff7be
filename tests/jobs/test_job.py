"""A job: every image one row, stopped anywhere, gone on with, never mixed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image as PilImage
from sampipe_integrations.files import CocoBoxes, CsvBoxes
from sampipe_integrations.label_studio import LabelStudioBoxes

import sampipe as sp
from sampipe.jobs import Job, Progress, masks_of_row, read_manifest, read_rows, write_manifest
from sampipe.jobs.crash_log import CRASHES, MAX_CRASHES, CrashLog
from sampipe.jobs.exports import write_rows
from sampipe.nodes import Follow, MaskPrompts, Segment, SimilarPrompts, Tiled


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
    for path, reason in zip(errors, ("a black picture", "is not an image", "cannot be read"), strict=True):
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
    assert not (folder / "crashes.json").exists()


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


def _nodes_that_read(file: Path) -> list[sp.Node]:
    """One of each node that reads a file, which is ``file``."""
    path = str(file)
    graph = CsvBoxes(path=path) | Segment()
    return [
        MaskPrompts(path=path),
        SimilarPrompts(examples=[{"image": "sample:coins", "mask": path}]),
        CsvBoxes(path=path),
        CocoBoxes(path=path),
        CocoBoxes(path="somewhere.json", results=path),
        LabelStudioBoxes(path=path),
        Tiled.of(graph),
        Follow.of(CsvBoxes(path=path)),
    ]


def test_a_node_that_reads_a_file_is_another_when_the_file_changed(tmp_path: Path) -> None:
    file = tmp_path / "read.csv"
    file.write_text("first")
    nodes = _nodes_that_read(file)
    before = [node.digest() for node in nodes]
    assert all(str(file) in node.input_files() for node in nodes)
    file.write_text("second")
    for node, digest in zip(nodes, before, strict=True):
        assert node.digest() != digest, node
    file.write_text("first")
    assert [node.digest() for node in nodes] == before


def test_a_job_is_not_resumed_when_a_file_that_a_node_reads_has_changed(
    tmp_path: Path, folder: Path, pictures: list[Path]
) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image,x0,y0,x1,y1\n" + "".join(f"{path},2,3,20,20\n" for path in pictures))

    def boxes_as_masks(image: sp.Image) -> sp.Masks:
        return fill(image, prompts=read(image))

    fill, read = FilledBoxes(), CsvBoxes(path=str(boxes))
    graph = sp.trace(boxes_as_masks)
    with pytest.raises(KeyboardInterrupt):
        Job(folder, graph).run(_stop)
    boxes.write_text(boxes.read_text().replace("2,3", "5,5"))
    with pytest.raises(sp.DataError, match=r"other contents of a file that a node reads \(of read\)"):
        Job(folder, graph).run()
    boxes.write_text(boxes.read_text().replace("5,5", "2,3"))
    assert Job(folder, graph).run().done == len(pictures)


def _stop(_: Progress) -> None:
    raise KeyboardInterrupt


@sp.register("jobs_files_test")
class FilledBoxes(sp.Node):
    """Every box as a mask."""

    def run(self, image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        masks = np.zeros((len(prompts), *image.hw), bool)
        for mask, (x0, y0, x1, y1) in zip(masks, np.asarray(prompts.boxes, int), strict=True):
            mask[y0:y1, x0:x1] = True
        return sp.Masks.from_binary(masks, prompts)


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
    for _ in range(MAX_CRASHES):
        CrashLog(folder / CRASHES).begins(killer, alone=True)  # and the process is no more
    order: list[str] = []
    state = Job(folder, graph).run(lambda progress: order.append(progress.row["path"]))
    assert order[-1] == killer
    assert state.errors == 1
    assert next(row["error"] for row in read_rows(folder / "rows") if row["path"] == killer).startswith("given up")


def test_an_image_under_way_at_a_death_is_only_a_suspect(folder: Path, graph: sp.Graph, pictures: list[Path]) -> None:
    for path in pictures[:2]:
        CrashLog(folder / CRASHES).begins(str(path), alone=False)
    order: list[str] = []
    assert Job(folder, graph).run(lambda progress: order.append(progress.row["path"])).errors == 0
    assert order[-1] == str(pictures[1])


def test_the_coco_file_is_what_the_node_would_have_written(
    folder: Path, graph: sp.Graph, pictures: list[Path], tmp_path: Path
) -> None:
    from sampipe.nodes import SaveMasks

    Job(folder, graph).run()
    write_rows(folder / "rows", "masks", tmp_path / "rows", "coco")
    save = SaveMasks(format="coco", directory=str(tmp_path / "node"))
    for path in pictures:
        image = sp.Image.open(path)
        save.run(image, graph.run(image=image).masks)
    save.flush()
    from_rows, from_node = (json.loads((tmp_path / name / "annotations.json").read_text()) for name in ("rows", "node"))
    assert len(from_rows["images"]) == len(from_node["images"]) == len(pictures)
    assert from_rows["categories"] == from_node["categories"]
    for mine, nodes in zip(from_rows["annotations"], from_node["annotations"], strict=True):
        assert mine == nodes
