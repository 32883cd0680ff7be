"""Token, rank and dense with a CLIP model, from training to masks and figures, by the commands alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from composed_clip import write_scenes
from PIL import Image as Pillow
from tiny_clip import write_tiny_clip
from tiny_sam import write_tiny_model
from typer.testing import CliRunner

from sampipe.cli import app
from sampipe.train.captioned import compose_scene


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_tiny_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, clip: str) -> str:
    """A model whose token two pictures were spent on."""
    folder = tmp_path_factory.mktemp("token")
    write_scenes(folder / "scenes", 3, side=160)
    data, start, out = str(folder / "scenes"), str(write_tiny_model(folder)), str(folder / "run")
    few = ("--steps", "2", "--min-area", "50", "--rounds", "2")
    file = f"{out}/model.safetensors"
    said = run("train", "token", "--data", data, "--from", start, "--clip", clip, "--out", out, *few)
    assert f"wrote {file}" in said
    return file


@pytest.mark.parametrize("mode", ["token", "rank", "dense"])
def test_words_become_masks_by_every_way(mode: str, model: str, clip: str, tmp_path: Path) -> None:
    Pillow.fromarray(compose_scene(np.random.default_rng(0), 160).pixels).save(tmp_path / "scene.png")
    words = ("--text", "a red ring, a star", "--text-mode", mode, "--clip", clip, "--model", model)
    said = run("segment", str(tmp_path / "scene.png"), *words, "--out", str(tmp_path / "out"))
    assert f"text by {mode} ({clip})" in said
    found = json.loads((tmp_path / "out" / "annotations.json").read_text())
    names = {one["id"]: one["name"] for one in found["categories"]}
    labels = {names[one["category_id"]] for one in found["annotations"]}
    assert labels and labels <= {"a red ring", "a star"}
    if mode == "token":
        assert len(found["annotations"]) == 2, "each phrase is one object"


def test_the_token_is_the_way_of_a_model_that_has_one(model: str, clip: str, tmp_path: Path) -> None:
    file = tmp_path / "text.json"
    few = ("--limit", "1", "--proposals", "1", "--json", str(file))
    said = run("eval", "text", "--data", "scenes", "--model", model, "--clip", clip, *few)
    assert f"text by token ({clip})".replace(" ", "") in said.replace(" ", "")
    assert json.loads(file.read_text())["summary"]["questions"] >= 1
