"""One demo that is really served, for the tests of a module."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_server import serve, stop

START = 300  # seconds; a machine with other work to do


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``sampipe demo``."""
    served, url = serve(tmp_path_factory.mktemp("demo"), "-m", "sampipe.cli", "demo", "--no-browser")
    try:
        with urllib.request.urlopen(url, timeout=START) as answer:
            assert answer.status == 200
        yield url
    finally:
        stop(served)


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages go: ``SAMPIPE_TEST_ARTIFACTS``, if anybody wants to keep them."""
    folder = Path(os.environ.get("SAMPIPE_TEST_ARTIFACTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
