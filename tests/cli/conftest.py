"""A model small enough for tests, a set of pictures, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from tiny_sam import write_tiny_model
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
    """A checkpoint with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model"))


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
