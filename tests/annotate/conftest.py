"""A folder of small pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotate_squares import write_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, a.png, b.png and c.png, directly in a folder."""
    place = tmp_path / "photos"
    place.mkdir()
    for seed, name in enumerate("abc"):
        write_picture(place / f"{name}.png", seed)
    return place
