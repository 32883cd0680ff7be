"""``sampipe train`` as typed."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from typer.testing import Result

from sampipe.models import load_model
from sampipe.types import RLE

Sampipe = Callable[..., Result]
SHORT = shlex.split("--steps 2 --workers 0 --log-every 1 --device cpu")


@pytest.fixture
def my_coco(tmp_path: Path) -> Path:
    """Four photos of a square each, in COCO's format."""
    folder = tmp_path / "my_coco"
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(4):
        mask = np.zeros((96, 96), bool)
        mask[10 + 8 * number : 60 + 8 * number, 30:80] = True
        pixels = np.where(mask[..., None], (200, 100, 50 * number), (20, 60, 90)).astype(np.uint8)
        Pillow.fromarray(pixels).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 96, "width": 96})
        row = {"id": number, "image_id": number, "category_id": 1, "segmentation": RLE.from_mask(mask).to_coco()}
        annotations.append(row)
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "square"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def losses(folder: Path) -> list[float]:
    return [float(row["loss"]) for row in csv.DictReader((folder / "log.csv").read_text().splitlines())]


def test_the_decoder_of_nano_learns_a_users_pictures(
    sampipe: Sampipe, my_coco: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ["train", "sam", "--from", "nano", "--freeze", "encoder", "--data", "my_coco/"]
    quick = shlex.split(
        "--steps 5 --rounds 1 --batch-size 2 --warmup 1 --only-first 2 --log-every 1 --workers 0 "
        "--val my_coco --val-limit 1"
    )
    result = sampipe(*line, *quick)
    assert "step 0  validation  mean_iou" in result.stdout and "wrote run/model.safetensors" in result.stdout
    found = losses(tmp_path / "run")
    assert np.mean(found[-2:]) < np.mean(found[:2])
    before, after = (
        load_model("nano", "cpu").sam.state_dict(),
        load_model("run/model.safetensors", "cpu").sam.state_dict(),
    )
    changed = {name.partition(".")[0] for name in before if not torch.allclose(before[name], after[name], atol=1e-6)}
    assert changed == {"prompt_encoder", "mask_decoder"}
    sampipe("segment", photos / "a.png", "--box", "5,5,40,40", "--model", "run/model.safetensors", "--out", "out")
    assert (tmp_path / "out" / "a.overlay.png").is_file()


def test_shapes_start_from_nothing_by_a_recipe(
    sampipe: Sampipe, my_coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sampipe.train import presets

    tiny = load_model(str(tiny_file(tmp_path)), "cpu").config
    monkeypatch.setitem(presets.PRESETS, "nano", tiny)
    words = shlex.split(
        "--recipe scratch --batch-size 2 --rounds 1 --masks 2 --zoom 0.8 1.2 --stretch 0.1 --cut-outs 3"
    )
    sampipe("train", "sam", "--model", "nano", "--data", f"{my_coco}=0.5", "--out", tmp_path / "run", *words, *SHORT)
    task = json.loads((tmp_path / "run" / "run.json").read_text())["configuration"]["task"]
    assert task["crop"]["zoom"] == [0.8, 1.2] and task["crop"]["stretch"] == 0.1 and task["crop"]["cut_outs"] == 3
    assert task["interaction"]["rounds"] == 1 and task["interaction"]["box_noise_varies"]
    assert load_model(str(tmp_path / "run" / "model.safetensors"), "cpu").config == tiny


def test_a_student_is_distilled(
    sampipe: Sampipe, my_coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sampipe.train import presets

    teacher = tiny_file(tmp_path)
    monkeypatch.setitem(presets.PRESETS, "nano", load_model(str(teacher), "cpu").config)
    line = ["train", "distill", "--teacher", teacher, "--student", "nano", "--data", my_coco, "--batch-size", "2"]
    assert "wrote" in sampipe(*line, "--out", tmp_path / "run", *SHORT).stdout
    assert load_model(str(tmp_path / "run" / "model.safetensors"), "cpu").config.image_size == 128
    start = json.loads((tmp_path / "run" / "run.json").read_text())["start"]
    assert start["teacher"]["model"] == str(teacher) and start["student"] == {"shape": "nano", "seed": 0}


def tiny_file(folder: Path) -> Path:
    from tiny_sam import write_tiny_model

    return write_tiny_model(folder)


def test_what_cannot_be_is_one_sentence(sampipe: Sampipe, my_coco: Path, tmp_path: Path) -> None:
    tiny = tiny_file(tmp_path)

    def told(*words: object) -> str:
        result = sampipe("train", "sam", "--out", tmp_path / "run", *SHORT, *words, ok=False)
        assert result.exit_code == 1 and result.stderr.count("\n") == 1, result.output
        return result.stderr

    data = "--data", my_coco
    start = "--from", tiny
    assert "no such folder" in told(*start, "--data", tmp_path / "nowhere")
    assert "my_coco is a COCO folder" in told(*start, "--data", tmp_path)
    assert "got 'half' as the share, wanted a number" in told(*start, "--data", f"{my_coco}=half")
    assert "wanted positive numbers" in told(*start, "--data", f"{my_coco}=0")
    assert "got 'head', wanted some of encoder" in told(*start, *data, "--freeze", "head")
    assert "paper, scratch, finetune" in told(*start, *data, "--recipe", "soup")
    assert "none, flip, full" in told(*start, *data, "--augment", "much")
    assert "step or cosine" in told(*start, *data, "--schedule", "line")
    assert "--from MODEL to start from a model" in told(*data)
    assert "leave --model" in told(*start, *data, "--model", "nano")
    assert "wanted a multiple of 32" in told(*start, *data, "--size", "100")
    assert "no such file" in told("--model", "vit_b", "--from-mae", tmp_path / "mae.pth", *data)
    assert "nowhere: not a data set of a known format" in told(*start, *data, "--val", tmp_path / "nowhere")
    assert not (tmp_path / "run" / "log.csv").exists()


def test_help_groups_the_options(sampipe: Sampipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    text = sampipe("train", "sam", "--help").stdout
    for panel in ("Data", "Start", "What is taught", "Examples", "Optimizer", "Run", "Watching"):
        assert f"─ {panel} ─" in text
    assert "--freeze" in text and "--from-mae" in text and "torchrun" in text
