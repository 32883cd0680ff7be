"""What all tests share: where the test pictures are, and as many threads as is polite."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch loads; the tests run in parallel already
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; what tests interrupt would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("sampipe", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("sampipe")


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> None:
    """Parallel tests on few cores: one thread each."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of test pictures and annotations; skips where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SAMPIPE_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"needs the test data: {folder} is not there; set SAMPIPE_TEST_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; one a process, because Playwright runs only once in each."""
    playwright = pytest.importorskip("playwright.sync_api", reason='needs playwright: pip install "sampipe[test]"')
    found = os.environ.get("SAMPIPE_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("needs a Chromium: apt-get install chromium, or set SAMPIPE_CHROMIUM to one")
    with playwright.sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
