"""One demo that is really served, and one real browser, for the tests of a module."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START = 300  # seconds; a machine with other work to do


def serve(folder: Path, *command: str) -> tuple[subprocess.Popen[str], str]:
    """Start a program that serves a page; gives it and the page's address."""
    environment = {
        **os.environ,
        "BROWSER": "true",  # what opens pages does nothing
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "SAMPIPE_CACHE_DIR": os.environ.get("SAMPIPE_CACHE_DIR") or str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    log = (folder / "server.log").open("w")
    served = subprocess.Popen(
        [sys.executable, *command], env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
    )
    log.close()
    assert served.stdout is not None
    for line in served.stdout:
        if "http://127.0.0.1:" in line:
            return served, line[line.index("http://") :].split()[0]
    served.wait()
    raise AssertionError((folder / "server.log").read_text())


def stop(served: subprocess.Popen[str]) -> None:
    """End it, as Ctrl-C would or harder."""
    served.terminate()
    try:
        served.wait(20)
    except subprocess.TimeoutExpired:
        served.kill()
        served.wait()
    assert served.stdout is not None
    served.stdout.close()


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
