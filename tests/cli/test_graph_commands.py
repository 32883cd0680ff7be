"""``run``, ``check`` and ``draw``: everything that takes a graph file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import Result

Sampipe = Callable[..., Result]
Printed = Callable[[Result], Any]
BOXES = """
sampipe: 1
inputs: {{image: Image}}
nodes:
  boxes: {{type: sampipe.Boxes@1, params: {{boxes: [[5, 5, 30, 30], [20, 10, 60, 40]]}}}}
  segment:
    type: sampipe.Segment@1
    params: {{model: "{model}"}}
    inputs: {{image: $image, prompts: boxes.prompts}}
{more}
outputs: {{{outputs}}}
"""


@pytest.fixture
def graph(tmp_path: Path, tiny_model: Path) -> Callable[..., Path]:
    """Write the graph of two boxes, with more nodes or other outputs."""

    def write(more: str = "", outputs: str = "masks: segment.masks", model: Path = tiny_model) -> Path:
        path = tmp_path / "graph.yaml"
        path.write_text(BOXES.format(model=model, more=more, outputs=outputs))
        return path

    return write


JOB_FILES = ["job.json", "manifest.parquet", "rows/part-00000.parquet"]


def names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return sorted(str(path.relative_to(folder)) for path in files)


def test_run_saves_overlays_and_coco(
    sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    result = sampipe("run", graph(), photos, "--out", tmp_path / "out")
    assert names(tmp_path / "out") == ["a.overlay.png", "annotations.json", "b.overlay.png", *JOB_FILES]
    assert len(json.loads((tmp_path / "out/annotations.json").read_text())["images"]) == 2
    assert "4 objects in 2 images" in result.stdout


def test_run_leaves_saving_to_a_graph_that_saves(
    sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"
    save = (
        f'  save: {{type: sampipe.SavePng@1, params: {{directory: "{labels}"}}, '
        "inputs: {image: $image, masks: segment.masks}}"
    )
    result = sampipe("run", graph(save), photos / "a.png", "--out", tmp_path / "out")
    assert names(labels) == ["a.labels.png"]
    assert names(tmp_path / "out") == JOB_FILES
    assert "saves by itself (save)" in result.stderr


def test_run_saves_for_a_graph_that_only_remembers(
    sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    remembers = "  same: {type: sampipe.Follow@1, inputs: {image: $image}}"
    result = sampipe("run", graph(remembers), photos / "a.png", "--out", tmp_path / "out")
    assert "saves by itself" not in result.stderr
    assert "a.overlay.png" in names(tmp_path / "out")


def test_run_gives_each_of_several_masks_outputs_a_folder_and_writes_pictures(
    sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    more = (
        "  largest: {type: sampipe.LargestMasks@1, inputs: {masks: segment.masks}}\n"
        "  draw: {type: sampipe.Annotate@1, inputs: {image: $image, masks: largest.masks}}"
    )
    path = graph(more, "both: segment.masks, one: largest.masks, drawn: draw.image")
    result = sampipe("run", path, photos / "a.png", "--out", tmp_path / "out", "--json")
    assert names(tmp_path / "out") == [
        "a.drawn.png",
        "both/a.overlay.png",
        "both/annotations.json",
        *JOB_FILES[:2],
        "one/a.overlay.png",
        "one/annotations.json",
        *JOB_FILES[2:],
    ]
    begin, image, end = map(json.loads, result.stdout.splitlines())
    assert (begin["event"], image["event"], end["event"]) == ("begin", "image", "end")
    assert (image["objects"], image["error"], image["done"]) == (3, None, 1)
    files = [tmp_path / "out" / name for name in ("rows", "both/annotations.json", "one/annotations.json")]
    assert end["files"] == [str(file) for file in files]


def test_run_reports_a_bad_image_and_goes_on(
    sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    (photos / "bad.png").write_text("not a picture")
    result = sampipe("run", graph(), photos, "--out", tmp_path / "out", ok=False)
    assert result.exit_code == 1
    assert [line.startswith("error: ") and "bad.png" in line for line in result.stderr.splitlines()] == [True]
    assert "4 objects in 3 images" in result.stdout
    assert "3 of 3 rows, 1 error" in result.stdout


def test_run_goes_on_only_when_told_to(
    sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    refused = sampipe("run", graph(), "--resume", "--out", out, ok=False)
    assert "holds no job to resume" in refused.stderr
    sampipe("run", graph(), photos, "--out", out)
    refused = sampipe("run", graph(), photos, "--out", out, ok=False)
    assert "--resume" in refused.stderr
    done = sampipe("run", graph(), "--resume", "--out", out)
    assert "2 of 2 images were done already" in done.stderr
    assert "2 of 2 rows" in done.stdout


def test_run_takes_a_manifest(sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path) -> None:
    from sampipe.jobs import write_manifest

    write_manifest([str(photos / "b.jpg")], tmp_path / "mine.parquet")
    sampipe("run", graph(), tmp_path / "mine.parquet", "--out", tmp_path / "out", "--save", "png")
    assert names(tmp_path / "out") == ["b.labels.png", *JOB_FILES]


def test_run_refuses_a_graph_with_other_inputs(sampipe: Sampipe, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "graph.yaml").write_text(
        "sampipe: 1\ninputs: {image: Image, prompts: Prompts}\n"
        "nodes: {segment: {type: sampipe.Segment@1, inputs: {image: $image, prompts: $prompts}}}\n"
        "outputs: {masks: segment.masks}\n"
    )
    result = sampipe("run", tmp_path / "graph.yaml", photos, "--out", tmp_path / "out", ok=False)
    assert result.exit_code == 1
    assert "its inputs are image, prompts" in result.stderr
    assert not (tmp_path / "out").exists()


BAD_FILES = {
    "tag": "sampipe: 1\nnodes: !!python/object/apply:os.system ['touch ran']\n",
    "alias": "sampipe: 1\nnodes: &n {a: *n}\noutputs: {}\n",
    "type": "sampipe: 1\nnodes: {a: {type: os.system@1}}\noutputs: {masks: a.masks}\n",
    "version": "sampipe: 1\nnodes: {a: {type: sampipe.PointGrid@9}}\noutputs: {masks: a.prompts}\n",
    "not YAML": "sampipe: [",
    "empty": "",
}


@pytest.mark.parametrize("what", BAD_FILES)
@pytest.mark.parametrize("command", ["run", "draw"])
def test_a_bad_graph_file_is_one_line(
    sampipe: Sampipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("graph.yaml").write_text(BAD_FILES[what])
    result = sampipe(command, "graph.yaml", *([photos] if command == "run" else []), ok=False)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert names(tmp_path) == ["graph.yaml", "photos/a.png", "photos/b.jpg"]


def test_check_says_when_all_is_there(sampipe: Sampipe, graph: Callable[..., Path], printed: Printed) -> None:
    assert "ready to run" in sampipe("check", graph()).stdout
    document = printed(sampipe("check", graph(), "--json"))
    assert (document["ok"], document["problems"]) == (True, [])


def test_check_tells_all_problems_and_what_to_do(
    sampipe: Sampipe, graph: Callable[..., Path], tmp_path: Path, printed: Printed
) -> None:
    lost = "  lost: {type: sampipe.PointGrid@1, inputs: {image: $image}}"
    path = graph(lost, model=tmp_path / "missing.pth")
    result = sampipe("check", path, "--json", ok=False)
    assert result.exit_code == 1
    document = printed(result)
    assert {(one["node"], one["kind"]) for one in document["problems"]} == {
        ("lost", "unreachable"),
        ("segment", "weights"),
    }
    text = sampipe("check", path, ok=False).stdout
    assert "missing.pth" in text
    assert "remove the node" in text


def test_check_of_a_bad_file_is_a_problem_not_a_crash(sampipe: Sampipe, tmp_path: Path, printed: Printed) -> None:
    (tmp_path / "graph.yaml").write_text(BAD_FILES["type"])
    result = sampipe("check", tmp_path / "graph.yaml", "--json", ok=False)
    assert result.exit_code == 1
    assert printed(result)["problems"][0]["kind"] == "type"


def test_draw_writes_mermaid_and_svg(sampipe: Sampipe, graph: Callable[..., Path], tmp_path: Path) -> None:
    assert sampipe("draw", graph()).stdout.startswith("flowchart LR")
    sampipe("draw", graph(), "--out", tmp_path / "graph.svg")
    drawing = ElementTree.parse(tmp_path / "graph.svg").getroot()
    assert drawing.tag.endswith("svg")
    text = "".join(drawing.itertext())
    assert "segment" in text
    assert "boxes" in text


def test_every_kind_can_be_saved(sampipe: Sampipe, graph: Callable[..., Path], photos: Path, tmp_path: Path) -> None:
    kinds = ("overlay", "coco", "cvat", "yolo", "voc", "png", "labelme", "label_studio", "geojson", "svg", "cutouts")
    out = tmp_path / "out"
    result = sampipe("run", graph(), photos / "a.png", "--out", out, "--save", ",".join(kinds), "--images", "none")
    assert str(out / "annotations.xml") in result.stdout
    assert set(names(out)) == {
        *("a.overlay.png", "a.labels.png", "labels/a.txt", "a.json", "a.task.json", "a.geojson", "a.svg"),
        *("a.0001.png", "a.0002.png", "SegmentationObject/a.png", "SegmentationClass/a.png"),
        *("Annotations/a.xml", "ImageSets/Segmentation/default.txt"),
        *("annotations.json", "annotations.xml", "classes.txt", "data.yaml", "labelmap.txt", *JOB_FILES),
    }
