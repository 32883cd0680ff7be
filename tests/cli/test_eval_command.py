"""``sampipe eval boxes``: its table and its file say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

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
        "tiny.safetensors": f"{document['summary']['mean_iou']:.4f}",
        "ellipse": f"{document['summary']['ellipse_mean_iou']:.4f}",
        "grabcut": f"{document['summary']['grabcut_mean_iou']:.4f}",
    }
    assert "2 objects of 1024 px² or more in 2 images" in text


def test_limit_takes_fewer_pictures(sampipe: Sampipe, tiny_model: Path, data: Path) -> None:
    text = sampipe("eval", "boxes", "--model", tiny_model, "--data", data, "--limit", "1").stdout
    assert "1 objects of 1024 px² or more in 1 images" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--competitors", "watershed"), "there are ellipse, grabcut"),
        (("--min-area", "100000"), "no annotated object"),
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
