"""Rows of files of prompts that become no prompt are said: as notes of an image, or at the end of a job."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from sampipe_integrations.fiftyone import FiftyOneBoxes
from sampipe_integrations.files import CocoBoxes, CsvBoxes
from sampipe_integrations.label_studio import LabelStudioBoxes
from typer.testing import CliRunner

import sampipe as sp
from sampipe.cli import app
from sampipe.jobs import Job, write_manifest
from sampipe.nodes import LargestMasks, Segment, SelectCandidate, Tiled

HW = (48, 64)
BOX = {"x": 10, "y": 20, "width": 30, "height": 30}


def image(source: str) -> sp.Image:
    return sp.Image.from_array(np.zeros((*HW, 3), np.uint8), source=source)


def coco(folder: Path) -> str:
    """Two images with a box each, one of which has two crowds, one image without a row, one row without an image."""
    names = ["kitchen/1.png", "hall/1.png", "empty.png"]
    row = {"image_id": 1, "category_id": 4, "bbox": [2, 4, 10, 20]}
    rows = [row, {**row, "iscrowd": 1}, {**row, "iscrowd": 1}, {**row, "image_id": 2}, {**row, "image_id": 77}]
    document = {
        "images": [{"id": key, "file_name": name} for key, name in enumerate(names, start=1)],
        "categories": [{"id": 4, "name": "pan"}],
        "annotations": rows,
    }
    (folder / "detected.json").write_text(json.dumps(document))
    return str(folder / "detected.json")


def test_crowds_are_notes_of_their_image(tmp_path: Path) -> None:
    node = CocoBoxes(path=coco(tmp_path))
    found = node(image("kitchen/1.png"))
    assert len(found) == 1 and found.notes == ("detected.json: left out 2: a crowd",)
    assert node(image("hall/1.png")).notes == node(image("empty.png")).notes == ()
    assert node(image("cellar/1.png")).notes == ("detected.json has no row for this image",)


def test_rows_of_images_that_a_job_lacks_are_counted(tmp_path: Path) -> None:
    path = coco(tmp_path)
    assert CocoBoxes(path=path).left_out(["/home/me/hall/1.png", "kitchen\\1.png"]) == [
        f"{path}: left out 1: an annotation of an image that is not listed ({path}: annotations[4])",
        f"{path}: noted 1: image without rows that this job does not have (empty.png)",
    ]
    assert CocoBoxes(path=path).left_out(["hall/1.png"])[0] == (
        f"{path}: left out 3: a row of an image that this job does not have (kitchen/1.png)"
    )


def test_two_rows_of_one_name_are_one_image(tmp_path: Path) -> None:
    row = {"category_id": 4, "bbox": [2, 4, 10, 20]}
    document = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "a.png"}],
        "categories": [{"id": 4, "name": "pan"}],
        "annotations": [{**row, "image_id": 1}, {**row, "image_id": 2}],
    }
    (tmp_path / "twice.json").write_text(json.dumps(document))
    assert len(CocoBoxes(path=str(tmp_path / "twice.json"))(image("a.png"))) == 2


def test_lvis_names_images_by_their_address(tmp_path: Path) -> None:
    document = {
        "images": [{"id": 9, "coco_url": "http://images.cocodataset.org/val2017/000000000139.jpg"}],
        "categories": [{"id": 4, "name": "pan"}],
        "annotations": [{"image_id": 9, "category_id": 4, "bbox": [2, 4, 10, 20]}],
    }
    (tmp_path / "lvis.json").write_text(json.dumps(document))
    assert len(CocoBoxes(path=str(tmp_path / "lvis.json"))(image("val2017/000000000139.jpg"))) == 1


def test_regions_of_label_studio_that_are_no_prompts_are_notes(tmp_path: Path) -> None:
    box = {"type": "rectanglelabels", "value": BOX}
    other = {"type": "polygonlabels", "value": {"points": [[1, 1], [2, 2], [3, 1]]}}
    tasks = [
        {"data": {"image": "a.png"}, "annotations": [{"result": [box, other, {"type": "choices", "value": {}}]}]},
        {"data": {"image": "b.png"}, "annotations": [{"result": [box, box], "was_cancelled": True}]},
        {"data": {"image": "c.png"}, "predictions": [{"result": [box]}]},
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks))
    node = LabelStudioBoxes(path=str(path), take="annotations")
    found = node(image("a.png"))
    assert len(found) == 1
    assert found.notes == (
        "export.json: left out 1: a region of the type polygonlabels",
        "export.json: left out 1: a region of the type choices",
    )
    assert node(image("b.png")).notes == ("export.json: left out 2: a region of an annotation that its author skipped",)
    assert node(image("c.png")).notes == (
        'export.json: left out 1: a region among the predictions, which take="predictions" reads',
    )
    assert node.left_out(["a.png"]) == [
        f"{path}: left out 3: a row of an image that this job does not have (b.png, c.png)"
    ]


def test_a_dataset_of_fiftyone_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Samples(dict[str, Any]):
        def values(self, field: str) -> list[str]:  # type: ignore[override]
            return [one[field] for one in super().values()]

        def get_field_schema(self) -> list[str]:
            return ["filepath", "ground_truth"]

    box = SimpleNamespace(label="pan", confidence=0.5, bounding_box=[0.1, 0.2, 0.5, 0.5])
    labels = {"1": SimpleNamespace(detections=[box]), "2": None, "3": SimpleNamespace(detections=[box])}
    samples = Samples(
        (key, {"id": key, "filepath": f"/sets/{key}.png", "ground_truth": label}) for key, label in labels.items()
    )
    fake = SimpleNamespace(dataset_exists=lambda name: True, load_dataset=lambda name: samples)
    monkeypatch.setitem(sys.modules, "fiftyone", fake)  # type: ignore[arg-type]
    node = FiftyOneBoxes(dataset="pans")
    assert len(node(image("/sets/1.png"))) == 1
    assert node(image("/sets/2.png")).notes == ("the sample of this image has no ground_truth",)
    assert node(image("/sets/9.png")).notes == ("dataset pans has no row for this image",)
    assert node.left_out(["/sets/1.png", "/sets/2.png"]) == [
        "dataset pans: left out 1: a row of an image that this job does not have (/sets/3.png)"
    ]


@pytest.mark.parametrize("tiled", [False, True])
def test_a_job_says_it_at_the_end_and_says_it_again_when_resumed(tmp_path: Path, tiled: bool) -> None:
    for name in ("1.png", "2.png"):
        Pillow.new("RGB", HW[::-1], (90, 20, 160)).save(tmp_path / name)
    table = tmp_path / "boxes.csv"
    table.write_text("image,x0,y0,x1,y1\n" + "".join(f"{name},5,5,30,30\n" for name in ("1.png", "x.png", "x.png")))
    graph = CsvBoxes(path=str(table)) | Segment(model="nano") | SelectCandidate()
    if tiled:
        graph = Tiled.of(graph) | LargestMasks(count=5)
    (tmp_path / "graph.yaml").write_text(graph.to_yaml())
    out = tmp_path / "out"
    job = ["run", str(tmp_path / "graph.yaml"), "--out", str(out), "--save", "none"]
    told = f"{table}: left out 2: a row of an image that this job does not have (x.png)"
    ended = CliRunner().invoke(app, [*job, str(tmp_path / "1.png"), str(tmp_path / "2.png")])
    assert ended.exit_code == 0, ended.output
    assert ended.stderr.splitlines().count(told) == 1
    assert tiled or f"{tmp_path / '2.png'}: boxes.csv has no row for this image" in ended.stderr
    again = CliRunner().invoke(app, [*job, "--resume", "--json"])
    assert json.loads(again.stdout.splitlines()[-1])["left_out"] == [told]


def test_an_engine_that_works_elsewhere_says_the_same(tmp_path: Path) -> None:
    class Elsewhere:
        def with_options(self, **options: Any) -> Elsewhere:
            return self

        def work_off(self, job: Job, todo: Any, row_done: Any) -> None:
            job._work_off(todo, lambda row, hits: row_done(row))

    Pillow.new("RGB", HW[::-1]).save(tmp_path / "1.png")
    (tmp_path / "boxes.csv").write_text("image,x0,y0,x1,y1\n1.png,5,5,30,30\nx.png,5,5,30,30\n")
    write_manifest([str(tmp_path / "1.png")], tmp_path / "job" / "manifest.parquet")
    graph = CsvBoxes(path=str(tmp_path / "boxes.csv")) | Segment(model="nano") | SelectCandidate()
    state = Job(tmp_path / "job", graph).run(engine=Elsewhere())
    assert (state.done, state.errors) == (1, 0) and "(x.png)" in state.left_out[0] and len(state.left_out) == 1
