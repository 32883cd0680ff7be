"""``sampipe train sam`` as typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from typer.testing import CliRunner

from sampipe.cli.app import app
from sampipe.models import load_model
from sampipe.types import RLE


def one_square(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    mask = np.zeros((96, 96), bool)
    mask[20:70, 30:80] = True
    Pillow.fromarray((mask[..., None] * np.array([200, 100, 50])).astype(np.uint8)).save(folder / "images" / "a.png")
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": RLE.from_mask(mask).to_coco()}
    document = {
        "images": [{"id": 1, "file_name": "a.png", "height": 96, "width": 96}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "square"}],
    }
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


def test_two_steps_write_a_model_that_loads(tmp_path: Path) -> None:
    data = one_square(tmp_path / "data")
    options = "--size 64 --zoom 0.1 0.1 --batch-size 1 --rounds 2 --steps 2 --workers 0 --no-bf16 --recipe scratch"
    command = ["train", "sam", "--data", f"{data}=0.5", "--out", str(tmp_path / "run"), *options.split()]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    model = load_model(str(tmp_path / "run" / "model.safetensors"), "cpu")
    assert model.config.image_size == 512 and "wrote" in done.output


def test_an_unknown_recipe_and_a_missing_folder_are_told_in_one_line(tmp_path: Path) -> None:
    command = ["train", "sam", "--data", str(tmp_path), "--out", str(tmp_path / "run"), "--steps", "1"]
    unknown = CliRunner().invoke(app, [*command, "--recipe", "soup"])
    assert unknown.exit_code == 1 and "paper, scratch" in unknown.output
    missing = CliRunner().invoke(app, [*command, "--workers", "0"])
    assert missing.exit_code == 1 and "not a COCO folder" in missing.output
