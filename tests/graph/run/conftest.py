"""A graph of toy nodes."""

import pytest
from toy_nodes import Bright, Fill, Largest, picture

import sampipe as sp


@pytest.fixture
def graph() -> sp.Graph:
    """Bright pixels → boxes → masks → the largest one."""
    return Bright() | Fill() | Largest()


@pytest.fixture
def image() -> sp.Image:
    return picture()
