"""The labelling page in a real browser: what tests do in one of its windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe.pages.label.record import MaskRecord

if TYPE_CHECKING:
    from sampipe.pages.label.workbench import Workbench

PATIENCE = 120_000  # milliseconds; a machine may be busy
ROCKET = (322, 250)  # on the rocket of sample:rocket
CUP = (300, 150)  # on the coffee in the cup of sample:coffee

Open = Callable[..., "Window"]
SETTLED = """async () => {
  const { work } = window.sampipe.page;
  await work.settled();
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))); // what is shown may ask for more
  await work.settled();
}"""

TELLING = """() => {
  const { page } = window.sampipe, { notice } = page;
  window.told = []; // notices go from the screen after seconds; what they said stays here
  page.notice = (text, kind) => { window.told.push(text); notice.call(page, text, kind); };
}"""


class Window:
    """One browser window on a folder, and its bench."""

    def __init__(self, page: Any, bench: Workbench, url: str) -> None:
        self.page, self.bench, self.url = page, bench, url
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self.ready()
        page.evaluate(TELLING)

    def ready(self) -> None:
        self.page.wait_for_selector(".sa[data-ready=yes]")
        self.page.wait_for_selector(".sa-over", state="hidden")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A pixel of the image on the screen."""
        box = self.page.locator(".sa-image canvas").bounding_box()
        width = self.inside("view.image.width")
        height = self.inside("view.image.height")
        return box["x"] + x / width * box["width"], box["y"] + y / height * box["height"]

    def inside(self, expression: str) -> Any:
        """A value of the page's own object."""
        return self.page.evaluate(f"window.sampipe.page.{expression}")

    def click(self, x: float, y: float, **options: Any) -> None:
        self.page.mouse.click(*self.at(x, y), **options)
        self.settle()

    def drag(self, *corners: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*corners[0]))
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*self.at(*corner), steps=8)
        self.page.mouse.up()
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def settle(self) -> None:
        """Everything that was asked is answered and saved."""
        self.page.evaluate(SETTLED)

    def go(self, key: str, index: int) -> None:
        """Press a key that opens an image, and wait for it."""
        self.page.keyboard.press(key)
        self.page.wait_for_function(f"window.sampipe.page.current === '{self.bench.project.images[index].key}'")
        self.page.wait_for_selector(".sa-over:not(.sa-problem)", state="hidden")
        self.settle()

    def masks(self, index: int = 0) -> tuple[MaskRecord, ...]:
        """What is on disk."""
        return self.bench.project.read(self.bench.project.images[index]).masks

    def heard(self, text: str) -> bool:
        """Whether the page said it, be it gone from the screen by now."""
        found: bool = self.page.evaluate("(text) => window.told.some((one) => one.includes(text))", text)
        return found

    def says(self, text: str) -> None:
        self.page.wait_for_function("(text) => window.told.some((one) => one.includes(text))", arg=text)


def contains(mask: MaskRecord, point: tuple[float, float]) -> bool:
    return bool(mask.rle.decode()[int(point[1]), int(point[0])])


def region(x: int, hw: tuple[int, int] = (427, 640)) -> Any:
    """A box of 80 rows and 90 columns as a mask."""
    mask = np.zeros(hw, bool)
    mask[100:180, x : x + 90] = True
    return mask
