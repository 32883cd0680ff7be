"""One demo that is really served, and one real browser, for the tests of a module."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_server import serve, stop

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
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
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason='needs playwright: pip install "sampipe[test]"')
    found = os.environ.get("SAMPIPE_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("needs a Chromium: apt-get install chromium, or set SAMPIPE_CHROMIUM to one")
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages go: ``SAMPIPE_TEST_ARTIFACTS``, if anybody wants to keep them."""
    folder = Path(os.environ.get("SAMPIPE_TEST_ARTIFACTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
