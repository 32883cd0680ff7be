"""A folder of small pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotate_squares import write_picture
from tiny_sam import write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, a.png, b.png and c.png, directly in a folder."""
    place = tmp_path / "photos"
    place.mkdir()
    for seed, name in enumerate("abc"):
        write_picture(place / f"{name}.png", seed)
    return place


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Segment Anything checkpoint with random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("model"))
