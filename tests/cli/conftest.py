"""A model small enough for tests, a set of pictures, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from typer.testing import CliRunner, Result

from sampipe.cli import app

Sampipe = Callable[..., Result]


@pytest.fixture
def sampipe() -> Sampipe:
    """``sampipe("segment", path)``: the command in this process; with ``ok=False`` it may fail."""

    def run(*words: object, ok: bool = True) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words], prog_name="sampipe")
        assert result.exit_code == 0 or not ok, result.output
        return result

    return run


@pytest.fixture
def printed() -> Callable[[Result], Any]:
    """The one JSON document on stdout; NaN and Infinity are no JSON."""

    def read(result: Result) -> Any:
        def refuse(word: str) -> Any:
            raise AssertionError(f"{word} in JSON")

        return json.loads(result.stdout, parse_constant=refuse)

    return read


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights; everything it says counts, so that there are masks to save."""
    import torch

    from sampipe.models import Sam, SamConfig
    from sampipe.models.checkpoints import save_checkpoint
    from sampipe.models.config import EverythingDefaults, MaskDecoderConfig, NanoConfig

    config = SamConfig(
        image_encoder=NanoConfig(
            widths=(8, 8, 16, 16),
            depths=(1, 1, 1, 1),
            attention_layers=1,
            attention_heads=2,
            out_channels=16,
            fine_channels=(8, 8),
            image_size=128,
        ),
        mask_decoder=MaskDecoderConfig(num_heads=2, mlp_dim=32, iou_head_dim=16),
        everything=EverythingDefaults(points_per_side=3, pred_iou=0, stability=0, min_region_area=0),
    )
    torch.manual_seed(0)
    weights = Sam(config).state_dict()
    weights["mask_decoder.iou_prediction_head.layers.2.bias"] += 0.8
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_checkpoint(weights, config, path, dtype=torch.float32)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with ``a.png`` and ``b.jpg``."""
    folder = tmp_path / "photos"
    folder.mkdir()
    write_photo(folder / "a.png", seed=1)
    write_photo(folder / "b.jpg", seed=2)
    return folder


def write_photo(path: Path, *, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, size=(48, 64, 3), dtype=np.uint8)
    PilImage.fromarray(pixels).save(path)
