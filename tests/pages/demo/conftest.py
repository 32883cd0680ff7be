"""One demo that is really served, for all tests that are marked as the group "demo"."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import PATIENCE, local, tab
from page_server import serve, stop

START = 300  # seconds; a machine with other work to do


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``sampipe demo``."""
    served, url = serve(tmp_path_factory.mktemp("demo"), "-m", "sampipe.cli", "demo", "--no-browser")
    try:
        with urllib.request.urlopen(url, timeout=START) as answer:
            assert answer.status == 200
        yield url
    finally:
        stop(served)


@pytest.fixture(scope="session")
def kept() -> Path | None:
    """Where images of the pages go: ``SAMPIPE_TEST_ARTIFACTS``; None where nobody wants to keep them."""
    named = os.environ.get("SAMPIPE_TEST_ARTIFACTS")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def shoot(kept: Path | None) -> Callable[[Any, str], None]:
    """``shoot(page, name)`` keeps an image of the whole page, where somebody wants it."""

    def take(page: Any, name: str) -> None:
        if kept is not None:
            page.screenshot(path=kept / f"{name}.png", full_page=True)

    return take


@pytest.fixture
def page(demo: str, windows: Any) -> Iterator[Any]:
    opened = windows.new_page()
    opened.set_default_timeout(PATIENCE)
    outside: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda one: outside.append(one.url) if not local(one.url, demo) else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(demo)
    yield opened
    opened.close()
    assert outside == [], "the page asked another machine for something"
    assert wrong == []


@pytest.fixture
def canvas(page: Any) -> Any:
    """The Graph tab with nothing on it."""
    tab(page, "Graph")
    page.wait_for_selector(".sp-palette .sp-item")
    page.wait_for_function("sampipe.graph.bar && Object.keys(sampipe.graph.model.graph.nodes).length")
    page.evaluate("sampipe.graph.model.load({}); sampipe.graph.board.fit()")
    return page
