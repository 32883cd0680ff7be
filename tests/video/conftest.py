"""Small clips, and a model small enough to take them through."""

from __future__ import annotations

from pathlib import Path

import pytest
from clip_files import write_clip
from tiny_sam import write_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a checkpoint with random weights."""
    return str(write_tiny_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of 64 x 48 pixels, ten a second."""
    return write_clip(tmp_path_factory.mktemp("clip") / "cup.mp4", 12)
