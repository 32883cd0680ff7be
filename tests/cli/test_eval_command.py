"""``sampipe eval boxes``: its table and its file say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from sampipe.cli import app
from sampipe.cli.evaluate._command import Shared
from sampipe.measure.quality.smoke import smoke_model
from sampipe.models import load_model
from sampipe.train.presets import PRESETS

Sampipe = Callable[..., Result]


@pytest.fixture
def data(photos: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "images").symlink_to(photos)
    box = {"category_id": 1, "iscrowd": 0, "bbox": [4, 4, 40, 30]}
    polygon = [[4, 4, 44, 4, 44, 34, 4, 34]]
    annotations = [{**box, "id": index, "image_id": index, "segmentation": polygon} for index in (1, 2)]
    images = [
        {"id": index, "file_name": name, "height": 48, "width": 64}
        for index, name in enumerate(("a.png", "b.jpg"), start=1)
    ]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def test_table_and_file_agree(sampipe: Sampipe, tiny_model: Path, data: Path, tmp_path: Path) -> None:
    words = ("--competitors", "ellipse,grabcut", "--json", tmp_path / "figures.json")
    text = sampipe("eval", "boxes", "--model", tiny_model, "--data", data, *words).stdout
    document = json.loads((tmp_path / "figures.json").read_text())
    assert document["n"] == 2
    shown = dict(re.findall(r"^(\S+) +(\d\.\d{4}) +\d\.\d{4} to", text, re.MULTILINE))
    assert shown == {
        "tiny": f"{document['summary']['mean_iou']:.4f}",
        "ellipse": f"{document['summary']['ellipse_mean_iou']:.4f}",
        "grabcut": f"{document['summary']['grabcut_mean_iou']:.4f}",
    }
    assert "2 objects of 1024 px² or more in 2 images" in text


def test_limit_takes_fewer_images(sampipe: Sampipe, tiny_model: Path, data: Path) -> None:
    text = sampipe("eval", "boxes", "--model", tiny_model, "--data", data, "--limit", "1").stdout
    assert "1 objects of 1024 px² or more in 1 images" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--competitors", "watershed"), "there are ellipse, grabcut"),
        (("--min-area", "100000"), "no annotated mask"),
        (("--model", "vit_z"), "vit_z"),
    ],
)
def test_errors_are_one_line(
    sampipe: Sampipe, tiny_model: Path, data: Path, words: tuple[str, ...], message: str
) -> None:
    model = () if "--model" in words else ("--model", tiny_model)
    result = sampipe("eval", "boxes", *model, "--data", data, *words, ok=False)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


SMOKE = {
    "boxes": "6 objects of 1024 px² or more in 2 images",
    "points": "6 objects of 1024 px² or more in 2 images",
    "proposals": "masks an image from 3 x 3 points, 2 images",
    "instances": "2 images, 6 objects, 3.0 detections an image",
}


@pytest.mark.parametrize("task", SMOKE)
def test_a_smoke_run_needs_nothing(sampipe: Sampipe, task: str, tmp_path: Path) -> None:
    words = ("--json", tmp_path / "figures.json", "--plot", tmp_path / "figures.svg")
    result = sampipe("eval", task, "--smoke", *words)
    assert "the figures mean nothing" in result.stderr
    assert SMOKE[task] in result.stdout
    assert json.loads((tmp_path / "figures.json").read_text())["task"] == task
    assert "<svg" in (tmp_path / "figures.svg").read_text()[:1000]


def test_a_smoke_run_of_words_reads_drawn_scenes(sampipe: Sampipe, tmp_path: Path) -> None:
    words = ("--json", tmp_path / "figures.json", "--plot", tmp_path / "figures.svg")
    result = sampipe("eval", "text", "--smoke", *words)
    assert "questions about 2 images" in " ".join(result.stdout.split())
    assert json.loads((tmp_path / "figures.json").read_text())["summary"]["images"] == 2
    assert "<svg" in (tmp_path / "figures.svg").read_text()[:1000]
    assert sampipe("eval", "text", ok=False).exit_code == 2


def test_a_smoke_run_may_be_of_a_real_models_shape(tmp_path: Path) -> None:
    large = load_model(smoke_model("mobile_sam", tmp_path))
    assert large.config.image_encoder == PRESETS["mobile_sam"].image_encoder
    assert load_model(smoke_model("nano", tmp_path)).config.image_size == 128


@pytest.mark.parametrize("words", [(), ("--detector", "face", "--detections", "x.json")])
def test_boxes_of_instances_come_from_one_place(sampipe: Sampipe, data: Path, words: tuple[str, ...]) -> None:
    result = sampipe("eval", "instances", "--data", data, *words, ok=False)
    assert result.exit_code != 0
    assert "give --detections FILE or --detector ID" in " ".join(result.stderr.replace("│", " ").split())


def test_every_task_has_the_same_options() -> None:
    """What a word means, it means everywhere; a data set alone has no model."""
    group: Any = typer.main.get_command(app)
    tasks = group.commands["eval"].commands
    assert len(tasks) == 8
    words = {name for name, field in Shared.__dataclass_fields__.items()}
    for name, command in tasks.items():
        missing = words - {option.name for option in command.params}
        assert missing == ({"model", "device"} if name == "dataset" else set()), name


@pytest.mark.parametrize("words", [(), ("--smoke", "--data", "x")])
def test_data_or_smoke(sampipe: Sampipe, words: tuple[str, ...]) -> None:
    result = sampipe("eval", "boxes", *words, ok=False)
    assert result.exit_code == 2
    assert "give --data DIR, or --smoke" in " ".join(result.stderr.replace("│", " ").split())


def test_an_unknown_plot_is_refused_before_anything_is_measured(sampipe: Sampipe) -> None:
    result = sampipe("eval", "boxes", "--smoke", "--plot", "figures.gif", ok=False)
    assert "wanted a file that ends in .png, .svg, .pdf" in result.stderr


def test_the_clicks_table_and_its_file_say_the_same(
    sampipe: Sampipe, tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    words = ("--max-clicks", "9", "--json", tmp_path / "figures.json", "--out", tmp_path / "run")
    text = sampipe("eval", "points", "--model", tiny_model, "--data", data, *words).stdout
    summary = json.loads((tmp_path / "figures.json").read_text())["summary"]
    shown = re.findall(r"^tiny +(middle|anywhere) +(\d\.\d{4})", text, re.MULTILINE)
    assert shown == [
        ("middle", f"{summary['mean_iou']:.4f}"),
        ("anywhere", f"{summary['random_mean_iou']:.4f}"),
    ]
    assert f"{summary['noc85']:.2f}" in text
    assert len(list((tmp_path / "run" / "images").iterdir())) == 2


def test_two_processes_share_a_folder_and_the_second_prints(
    sampipe: Sampipe, tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    words = ("eval", "boxes", "--model", tiny_model, "--data", data, "--out", tmp_path / "run", "--shard")
    first = sampipe(*words, "1/2")
    assert "1 of 2 images are measured" in first.stderr
    assert "mean IoU" not in first.stdout
    second = sampipe(*words, "2/2")
    assert "2 objects of 1024 px² or more in 2 images" in second.stdout


@pytest.mark.parametrize("task", ["boxes", "points"])
def test_each_data_set_of_a_list_has_its_rows(sampipe: Sampipe, tiny_model: Path, data: Path, task: str) -> None:
    file = data.parent / "sets.yaml"
    file.write_text("- data\n- {path: data, name: one, limit: 1}\n")
    text = sampipe("eval", task, "--model", tiny_model, "--data", file, "--competitors", "none").stdout
    assert "data: 2 objects of 1024 px² or more in 2 images" in text
    assert "one: 1 objects of 1024 px² or more in 1 images" in text
    assert re.findall(r"^(data|one) +tiny", text, re.MULTILINE)[:2] == (
        ["data", "one"] if task == "boxes" else ["data", "data"]
    )
