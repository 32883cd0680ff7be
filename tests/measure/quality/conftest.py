"""A model small enough for tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_sam import write_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model"))
