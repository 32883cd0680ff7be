"""Makes the toy nodes of the graph tests importable."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "graph"))

from toy_nodes import Bright, Fill, Largest, picture

import sampipe as sp


@pytest.fixture
def graph() -> sp.Graph:
    """Bright pixels → boxes → masks → the largest one."""
    return Bright() | Fill() | Largest()


@pytest.fixture
def image() -> sp.Image:
    return picture()
