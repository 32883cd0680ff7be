"""How quick the page is in a real browser: from a click to its mask, and the decoder inside the page."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import Any

import numpy as np

from sampipe._optional import require
from sampipe.errors import DataError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SAMPLE = "coffee"


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one thing, done many times."""

    what: str
    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.milliseconds))

    @property
    def slow(self) -> float:
        """95 % are quicker."""
        return float(np.percentile(self.milliseconds, 95))


def find_browser() -> str:
    """A Chromium on this machine: ``SAMPIPE_CHROMIUM``, else one on the path.

    Raises:
        DataError: there is none.
    """
    found = os.environ.get("SAMPIPE_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        raise DataError("No Chromium was found; install it (apt-get install chromium) or set SAMPIPE_CHROMIUM to it.")
    return found


def measure(url: str, *, clicks: int = 20, decodings: int = 50) -> list[Timing]:
    """Open a demo that is being served, headless, click, and decode in the page.

    Raises:
        MissingDependencyError: playwright is not installed.
        DataError: no Chromium, or the page cannot decode by itself.
    """
    playwright = require("playwright.sync_api", "test")
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.goto(url)
            page.click(f"[data-sample={_SAMPLE}]")
            page.hover(".has-image .sp-canvas")  # the decoder is loaded when somebody first hovers
            page.wait_for_selector('[data-hover="browser"]', timeout=300_000)
            return [_clicks(page, clicks), _decodings(page, decodings)]
        finally:
            browser.close()


def _clicks(page: Any, count: int) -> Timing:
    box = page.locator(".sp-canvas").bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + 5)  # the first one warms everything up
    page.wait_for_function("sampipe.bench.milliseconds.length >= 1")
    page.evaluate("sampipe.bench.milliseconds = []")
    for i in range(count):
        page.evaluate("sampipe.bench.finish()")
        x, y = (0.15 + 0.7 * ((i * step) % 17) / 17 for step in (5, 7))
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_function(f"sampipe.bench.milliseconds.length >= {i + 1}")
    return Timing("a click, until its mask is on the screen", tuple(page.evaluate("sampipe.bench.milliseconds")))


def _decodings(page: Any, count: int) -> Timing:
    taken = page.evaluate(f"sampipe.bench.hover.measure({count})")
    return Timing("a prompt decoded inside the page (WebAssembly, one thread)", tuple(taken))
