"""Where work that every test process needs is done once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that the parallel processes of one test run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent
