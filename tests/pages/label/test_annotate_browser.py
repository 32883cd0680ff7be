"""The labelling page in a real browser, with the embedded model on sample photos.

Debian's chromium drives it: ``apt-get install chromium``, ``pip install playwright``. Screenshots of the looks go to
``SAMPIPE_TEST_ARTIFACTS`` where that is set.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.pages.label.merge import Propose, Put
from sampipe.pages.label.project import Project
from sampipe.pages.label.record import MaskRecord
from sampipe.types import RLE, Image

pytest.importorskip("gradio", reason='the page needs pip install "sampipe[demo]"')

from sampipe.pages.label.page import serve_page
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
SLOW_OUTLINES = """() => {
  const { corners } = window.sampipe.page, { server } = corners;
  corners.server = { outline: async (what) => { await new Promise((go) => setTimeout(go, 200)); return server.outline(what); } };
}"""  # noqa: E501


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def ports() -> tuple[int, int]:
    """The same ones for all tests, so that the browser finds what it has read before."""
    return free_port(), free_port()


class Window:
    """One browser window on a folder, and its bench."""

    def __init__(self, page: Any, bench: Workbench, url: str) -> None:
        self.page, self.bench, self.url = page, bench, url
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector(".sa[data-ready=yes]")
        self.page.wait_for_selector(".sa-over", state="hidden")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A pixel of the photo on the screen."""
        box = self.page.locator(".sa-picture canvas").bounding_box()
        width = self.inside("view.picture.width")
        height = self.inside("view.picture.height")
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

    def go(self, key: str, photo: int) -> None:
        """Press a key that opens a photo, and wait for it."""
        self.page.keyboard.press(key)
        self.page.wait_for_function(f"window.sampipe.page.current === '{self.bench.project.photos[photo].key}'")
        self.page.wait_for_selector(".sa-over:not(.sa-problem)", state="hidden")
        self.settle()

    def masks(self, photo: int = 0) -> tuple[MaskRecord, ...]:
        """What is on disk."""
        return self.bench.project.read(self.bench.project.photos[photo]).masks

    def says(self, text: str) -> None:
        self.page.wait_for_selector(f".sa-note:has-text('{text}')")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    place.mkdir()
    Image.open("sample:rocket").to_pil().save(place / "a rocket.png")
    Image.open("sample:coffee").to_pil().save(place / "b cup.png")
    return place


@pytest.fixture
def open_window(windows: Any, photos: Path, ports: tuple[int, int]) -> Iterator[Open]:
    """``open_window()``: a browser window of its own; ``bench=`` shares the server of another one."""
    benches: list[Workbench] = []
    served: list[Any] = []
    opened: list[Window] = []

    def make(
        bench: Workbench | None = None, url: str = "", size: tuple[int, int] = (1280, 860), **options: Any
    ) -> Window:
        if bench is None:
            bench = Workbench(
                Project(photos, labels=options.pop("labels", None)), model="nano", device="cpu", **options
            )
            benches.append(bench)
            served.append(serve_page(bench, port=ports[len(served)]))
            url = served[-1].url
        page = windows.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        opened.append(Window(page, bench, url))
        return opened[-1]

    yield make
    for window in opened:
        window.page.close()
    for one in served:
        one.close()
    for bench in benches:
        bench.close()
    assert [error for window in opened for error in window.errors] == []


def contains(mask: MaskRecord, point: tuple[float, float]) -> bool:
    return bool(mask.rle.decode()[int(point[1]), int(point[0])])


def test_a_click_gives_a_mask_of_the_clicked_object_which_is_saved_with_its_label(open_window: Open) -> None:
    window = open_window()
    window.click(*ROCKET)
    [mask] = window.masks()
    assert contains(mask, ROCKET) and 0.002 < mask.rle.area / (427 * 640) < 0.2
    assert not contains(mask, (60, 60))  # the sky
    assert mask.accepted and mask.seconds > 0 and mask.predicted_iou is not None
    window.page.fill(".sa-labels input", "rocket")
    window.page.keyboard.press("Enter")
    window.settle()
    assert window.masks()[0].label == "rocket"
    window.page.wait_for_selector(".sa-masks li b:text-is('rocket')")
    window.page.wait_for_selector(".sa-saved:text-is('Saved')")


def test_more_clicks_mend_the_mask_and_undo_takes_them_back(open_window: Open) -> None:
    window = open_window()
    window.click(*ROCKET)
    first = window.masks()[0]
    window.click(322, 390, button="right")
    [second] = window.masks()
    assert second.id == first.id and second.points == (first.points[0], (*second.points[1][:2], 0))
    assert not contains(second, (322, 390)) and second.rle != first.rle
    window.press("Control+z")
    assert window.masks()[0].rle == first.rle
    window.press("Control+z")
    assert window.masks() == ()
    window.press("Control+Shift+z", "Control+y")
    assert window.masks()[0].rle == second.rle


def test_a_dragged_box_and_another_of_the_answers(open_window: Open) -> None:
    window = open_window()
    window.drag((285, 115), (365, 395))
    [boxed] = window.masks()
    x0, y0, x1, y1 = boxed.rle.box
    assert boxed.box is not None and x0 > 250 and y0 > 80 and x1 < 400 and y1 < 427
    window.press("Escape")
    window.click(200, 100)
    before = window.masks()[1]
    window.page.wait_for_function("document.querySelectorAll('.sa-candidates button').length === 3")
    window.press("c")
    after = window.masks()[1]
    assert after.id == before.id and after.rle != before.rle and len(window.masks()) == 2


def test_brush_and_eraser_change_pixels_where_they_pass(open_window: Open) -> None:
    window = open_window()
    window.press("b")
    window.drag((100, 100), (200, 100))
    [drawn] = window.masks()
    assert contains(drawn, (150, 100)) and not contains(drawn, (150, 200)) and drawn.predicted_iou is None
    window.press("e")
    window.drag((150, 60), (150, 140))
    [cut] = window.masks()
    assert not contains(cut, (150, 100)) and contains(cut, (110, 100)) and cut.id == drawn.id


def test_the_outline_is_simplified_and_its_corners_are_dragged(open_window: Open) -> None:
    window = open_window()
    window.click(*ROCKET)
    window.press("v")
    window.page.wait_for_function("window.sampipe.page.corners.rings.length > 0")
    many = window.inside("corners.rings[0].length")
    window.page.evaluate(SLOW_OUTLINES)  # the slider is let go of before the outline is there
    slider = window.page.locator(".sa-simplify input")
    slider.fill("8")
    window.page.wait_for_function(f"window.sampipe.page.corners.rings[0].length < {many}")
    window.settle()
    ring = window.inside("corners.rings[0]")
    [simple] = window.masks()
    assert 3 <= len(ring) < many and contains(simple, ROCKET) and simple.predicted_iou is None
    left = min(ring)
    window.drag((left[0], left[1]), (left[0] - 60, left[1]))
    [wider] = window.masks()
    assert wider.id == simple.id and wider.rle.area > simple.rle.area
    corners = window.inside("corners.rings[0].length")
    window.click(left[0] - 60, left[1], button="right")
    assert window.inside("corners.rings[0].length") == corners - 1
    window.press("Control+z")
    assert window.masks()[0].rle == wider.rle


def test_hovering_shows_what_a_click_would_give(open_window: Open) -> None:
    window = open_window()
    window.page.mouse.move(*window.at(*ROCKET))
    window.page.wait_for_function("window.sampipe.page.view.preview !== null")
    assert window.masks() == ()
    window.page.mouse.move(2, 2)
    window.page.wait_for_function("window.sampipe.page.view.preview === null")


def test_an_answer_that_comes_late_takes_nothing_away(open_window: Open) -> None:
    window = open_window()
    window.click(*ROCKET)
    late = "({ photo: window.sampipe.page.current, masks: [], labels: [], revision: 0, complete: false })"
    window.page.evaluate(f"window.sampipe.page.work.take({late})")
    assert window.inside("work.masks.length") == 1


def test_a_session_by_keyboard_alone(open_window: Open) -> None:
    window = open_window(labels=["rocket", "cup"])
    canvas = window.page.locator(".sa-picture canvas")
    canvas.focus()
    window.press("ArrowRight", "Enter")  # a cross hair from the middle of the photo
    assert len(window.masks()) == 1 and window.masks()[0].label == ""
    window.press("1")
    assert window.masks()[0].label == "rocket"
    window.press("Escape", "k", "Delete")
    assert window.masks() == ()
    window.press("Control+z")
    assert window.masks()[0].label == "rocket"
    window.press("Enter")
    assert window.inside("work.selected") is None
    window.go("d", 1)
    window.go("a", 0)
    window.go("f", 1)
    record = window.bench.project.read(window.bench.project.photos[0])
    assert record.complete and len(record.masks) == 1
    window.page.keyboard.press("?")
    window.page.wait_for_selector("dialog.sa-help", state="visible")


def test_the_label_that_the_next_object_gets_is_shown_before_it_is_there(open_window: Open) -> None:
    window = open_window(labels=["rocket", "cup"])
    window.click(*ROCKET)
    window.press("1", "Enter")
    window.page.wait_for_selector(".sa-hint:has-text('rocket')")
    window.press("2")
    window.page.wait_for_selector(".sa-hint:has-text('cup')")
    window.click(60, 60)
    assert sorted(mask.label for mask in window.masks()) == ["cup", "rocket"]


def test_a_label_outside_a_fixed_list_is_refused(open_window: Open) -> None:
    window = open_window(labels=["rocket", "cup"])
    window.click(*ROCKET)
    window.page.fill(".sa-labels input", "bird")
    window.page.keyboard.press("Enter")
    window.says("is not in the list of labels")
    assert window.masks()[0].label == ""


def test_work_goes_on_where_it_stopped_after_a_restart(open_window: Open) -> None:
    window = open_window()
    window.go("d", 1)
    window.click(*CUP)
    window.page.fill(".sa-labels input", "cup")
    window.page.keyboard.press("Enter")
    window.settle()
    [before] = window.masks(1)
    window.bench.close()
    again = open_window()
    assert again.inside("current") == again.bench.project.photos[1].key
    again.page.wait_for_selector(".sa-masks li b:text-is('cup')")
    assert again.masks(1) == (before,)
    again.press("j")
    again.click(CUP[0] + 30, CUP[1] + 10)
    [mended] = again.masks(1)
    assert mended.id == before.id and mended.seconds > before.seconds and len(mended.points) == 2


@pytest.mark.parametrize("servers", ["one server", "two servers"])
def test_two_windows_on_one_photo_lose_nothing_and_hear_of_each_other(open_window: Open, servers: str) -> None:
    here = open_window()
    there = open_window(bench=here.bench, url=here.url) if servers == "one server" else open_window()
    here.click(*ROCKET)
    there.click(100, 60)
    there.says("Another window works on this photo, too")
    assert len(there.masks()) == 2
    there.page.wait_for_function("document.querySelectorAll('.sa-masks li').length === 2")
    here.says("Another window works on this photo, too")
    here.page.wait_for_function("document.querySelectorAll('.sa-masks li').length === 2")
    one = next(mask for mask in here.masks() if contains(mask, ROCKET))
    here.page.evaluate(f"window.sampipe.page.work.label({one.id}, 'rocket')")
    there.page.evaluate(f"window.sampipe.page.work.label({one.id}, 'missile')")
    here.settle()
    there.settle()
    labels = sorted(mask.label for mask in here.masks() if mask.label)
    assert labels == ["missile", "rocket"]
    told = [window.page.locator(".sa-note:has-text('Both versions are kept')") for window in (here, there)]
    for _ in range(200):  # whoever was saved last hears of it
        if any(note.count() for note in told):
            break
        here.page.wait_for_timeout(50)
    assert any(note.count() for note in told)


def test_what_is_done_while_the_server_is_away_is_saved_when_it_is_back(open_window: Open, photos: Path) -> None:
    window = open_window()
    window.click(*ROCKET)
    window.page.route("**/component_server*", lambda route: route.abort())
    window.page.route("**/component_server/", lambda route: route.abort())
    window.page.keyboard.press("Delete")
    window.page.wait_for_selector(".sa-saved.sa-error")
    assert len(window.masks()) == 1
    window.page.unroute_all()
    window.page.wait_for_function("document.querySelector('.sa-saved').textContent === 'Saved'")
    assert window.masks() == ()


def test_proposals_are_accepted_mended_and_deleted_in_the_order_of_their_doubt(open_window: Open, photos: Path) -> None:
    project = Project(photos)
    box = [RLE.from_mask(region(x)) for x in (40, 200, 420)]
    doubts = [(0.9, 0.9), (0.2, 0.4), (0.6, 0.7)]
    masks = tuple(
        MaskRecord(rle=rle, accepted=False, source="test", predicted_iou=iou, stability=stability)
        for rle, (iou, stability) in zip(box, doubts, strict=True)
    )
    project.change(project.photos[0], (427, 640), Propose(masks[:2], "test"))
    cup = MaskRecord(rle=RLE.from_mask(region(300, (400, 600))), accepted=False, predicted_iou=0.5, stability=0.5)
    project.change(project.photos[1], (400, 600), Propose((cup,), "test"))
    window = open_window()
    window.page.wait_for_selector("[data-do=review]:enabled")
    window.press("r")
    window.page.wait_for_function(f"window.sampipe.page.work.selected === {masks[1].id}")
    window.page.wait_for_function("window.sampipe.page.view.zoom > 1")
    window.page.keyboard.press("Delete")
    window.page.wait_for_function(f"window.sampipe.page.work.selected === {cup.id}")
    window.page.keyboard.press("Enter")
    window.page.wait_for_function(f"window.sampipe.page.work.selected === {masks[0].id}")
    window.press("Enter")
    window.says("The review is done")
    assert [mask.accepted for mask in window.masks(0)] == [True] and [mask.accepted for mask in window.masks(1)] == [
        True
    ]


def region(x: int, hw: tuple[int, int] = (427, 640)) -> Any:
    mask = np.zeros(hw, bool)
    mask[100:180, x : x + 90] = True
    return mask


def test_a_detector_pre_fills_a_photo_when_it_is_opened(open_window: Open, photos: Path) -> None:
    Image.open("sample:astronaut").to_pil().save(photos / "0 astronaut.png")
    window = open_window(source="face")
    window.settle()
    [face] = window.masks(0)
    assert not face.accepted and face.label == "face" and contains(face, (222, 120))
    assert "face" in window.page.inner_text(".sa-masks li small")
    window.press("j", "Enter")
    assert window.masks(0)[0].accepted


def test_unreadable_photos_are_shown_as_such_and_odd_names_are_text(open_window: Open, photos: Path) -> None:
    (photos / "c <img src=x onerror=alert(1)>.png").write_bytes(b"junk")
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Image.open("sample:rocket").to_pil().save(photos / "d 漢字 turned.jpg", exif=exif)
    window = open_window()
    window.go("d", 1)
    window.page.keyboard.press("d")
    window.page.wait_for_selector(".sa-over.sa-problem")
    assert "is not an image" in window.page.inner_text(".sa-over")
    assert "<img src=x" in window.page.inner_text(".sa-photos option:checked")
    window.press("Delete", "j", "c")
    window.go("d", 3)
    assert window.inside("view.picture.width") == 427 and window.inside("view.picture.height") == 640
    window.click(213, 320)
    assert window.masks(3)[0].rle.hw == (640, 427) and contains(window.masks(3)[0], (213, 320))


LOOKS = [("1280", (1280, 900)), ("390", (390, 844))]
SMALL = """() => [...document.querySelectorAll(".sa button, .sa select, .sa input[type=text], .sa input[type=number]")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width)
  .filter((one) => { const { width, height } = one.getBoundingClientRect(); return Math.min(width, height) < 39; })
  .map((one) => one.outerHTML.slice(0, 120))"""  # too small for a finger


@pytest.mark.parametrize(("name", "size"), LOOKS, ids=[look[0] for look in LOOKS])
def test_the_page_fits_every_width_in_light_and_dark(
    open_window: Open, photos: Path, name: str, size: tuple[int, int]
) -> None:
    project = Project(photos)
    other = MaskRecord(rle=RLE.from_mask(region(420)), accepted=False, source="face", predicted_iou=0.6, stability=0.7)
    sky = MaskRecord(rle=RLE.from_mask(region(60)), label="tower", predicted_iou=0.8, seconds=9)
    project.change(project.photos[0], (427, 640), Propose((other,), "face"), Put(sky))
    window = open_window(size=size)
    window.click(*ROCKET)
    overflow = window.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    box = window.page.locator(".sa-picture canvas").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(640 / 427, rel=0.01)  # not distorted
    assert box["x"] >= 0 and box["x"] + box["width"] <= size[0]
    nameless = window.page.evaluate(
        "[...document.querySelectorAll('.sa button, .sa select, .sa input')]"
        ".filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).length"
    )
    assert nameless == 0
    assert size[0] > 640 or window.page.evaluate(SMALL) == []
    for scheme, end in (("dark", "-dark"), ("light", "")):
        window.page.emulate_media(color_scheme=scheme)
        dark = str(scheme == "dark").lower()
        window.page.wait_for_function(f"document.body.classList.contains('dark') === {dark}")
        if folder := os.environ.get("SAMPIPE_TEST_ARTIFACTS"):
            window.page.screenshot(path=Path(folder) / f"annotate-{name}{end}.png", full_page=size[0] < 800)
