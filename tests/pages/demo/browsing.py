"""What tests do on the demo's page, whatever they are about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120_000  # milliseconds; for machines with other work to do


def local(url: str, demo: str) -> bool:
    return url.startswith((demo, "data:", "blob:"))


def open_sample(page: Any, name: str = "coffee") -> None:
    page.click(f"[data-sample={name}]")
    page.wait_for_selector(".has-image")


def tab(page: Any, name: str) -> None:
    """Go to a tab; on a narrow screen the last ones are in a menu."""
    page.get_by_role("tab").first.wait_for()
    shown = page.get_by_role("tab", name=name, exact=True)
    if shown.count():
        return shown.first.click()
    page.click(".overflow-menu > button")
    page.locator(".overflow-dropdown button", has_text=name).click()


def click(page: Any, x: float, y: float, **how: Any) -> None:
    """A click at a share of the image, and the wait for its answer."""
    box, before = page.locator(".sp-canvas").bounding_box(), page.evaluate("sampipe.bench.counter")
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"], **how)
    page.wait_for_function(f"sampipe.bench.counter > {before}")
    answered(page)


def answered(page: Any) -> None:
    page.wait_for_function(
        """() => {
          const one = sampipe.bench.active, answer = one && sampipe.bench.answers.get(one.version);
          return answer && answer.candidates && !answer.pending;
        }"""
    )


def choose(page: Any, field: str, option: str) -> None:
    """Choose from one of Gradio's lists."""
    page.click(f"{field} input")
    page.get_by_role("option", name=option, exact=True).click()


def soon(page: Any, ask: Callable[[], Any], wanted: Any) -> None:
    """What is asked becomes what is wanted, in the time that a slow machine takes."""
    until = time.monotonic() + PATIENCE / 1000
    while (found := ask()) != wanted and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert found == wanted


def counted(page: Any, selector: str, count: int) -> None:
    """So many elements match, in that time."""
    soon(page, page.locator(selector).count, count)


def choose_file(page: Any, field: str, name: str, content: bytes) -> None:
    """Bring a file to one of the page's fields for files."""
    page.set_input_files(
        f'input[aria-label="{field}"]', {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
