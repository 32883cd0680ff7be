"""``sampipe demo`` in a real browser. One server, one browser; each test has a page of its own."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import PATIENCE, answered, click, counted, open_sample, soon, tab
from PIL import Image as Pillow

from sampipe.pages.demo.measuring import measure
from sampipe.types import RLE

pytestmark = pytest.mark.xdist_group("demo")  # one server for all of them

SMALL = """() => [...document.querySelectorAll("button, select, summary, input")]
  .filter((one) => !one.matches("[type=range], [type=checkbox], [type=file]"))
  .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, details:not([open])"))
  .filter((one) => one.getBoundingClientRect().width)
  .filter((one) => { const { width, height } = one.getBoundingClientRect(); return Math.min(width, height) < 39.5; })
  .map((one) => one.outerHTML.slice(0, 120))"""  # too small for a finger
TABS = ("Segment", "Detect + segment", "Text", "Everything", "Video", "Graph")


def mask(page: Any) -> np.ndarray:
    """The active object's mask."""
    found = page.evaluate("sampipe.bench.chosen(sampipe.bench.active).rle")
    return RLE.from_coco(found).decode()


def test_click_background_undo_candidates_and_objects(page: Any) -> None:
    open_sample(page)
    click(page, 0.45, 0.45)
    first = mask(page)
    assert first[int(0.45 * 400), int(0.45 * 600)], "the mask covers what was clicked"
    counted(page, ".sp-candidates button", 3)
    other = page.locator('.sp-candidates button[aria-pressed="false"]').first
    other.click()
    assert (mask(page) != first).any(), "the other candidate was chosen"
    page.click('[data-action="undo"]')
    assert (mask(page) == first).all()

    inside = np.argwhere(first)
    y, x = inside[np.abs(inside - inside.mean(axis=0)).sum(axis=1).argmax()]
    click(page, (x + 0.5) / 600, (y + 0.5) / 400, button="right")
    near = np.s_[max(y - 12, 0) : y + 12, max(x - 12, 0) : x + 12]
    shrunk = mask(page)
    assert shrunk[near].sum() < first[near].sum(), "the background point took its surroundings out"
    counted(page, ".sp-candidates button", 0)
    page.click('[data-action="undo"]')
    assert (mask(page) == first).all()
    page.click('[data-action="redo"]')
    assert (mask(page) == shrunk).all()

    page.click('[data-action="finish"]')
    click(page, 0.7, 0.7)
    counted(page, ".sp-objects li", 2)
    page.click('li[data-object="1"] [data-do="hide"]')
    soon(page, lambda: page.evaluate("sampipe.bench.canvas.layers.length"), 1)
    page.click('li[data-object="1"] [data-do="remove"]')
    counted(page, ".sp-objects li", 1)
    page.click('[data-action="clear"]')
    counted(page, ".sp-objects li", 0)


def test_box_brush_keyboard_and_refine(page: Any) -> None:
    open_sample(page)
    box = page.locator(".sp-canvas").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in ((0.28, 0.03), (0.72, 0.8))]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()
    answered(page)
    boxed = mask(page)
    rows, columns = np.nonzero(boxed)
    assert boxed.mean() > 0.05
    assert np.median(columns) / 600 == pytest.approx(0.5, abs=0.15)
    assert np.median(rows) / 400 == pytest.approx(0.42, abs=0.2)

    page.click('[data-action="finish"]')
    page.click('li[data-object="1"] [data-do="refine"]')
    click(page, 0.5, 0.3)
    counted(page, ".sp-objects li", 1)  # a refined object stays the same object
    assert page.evaluate("sampipe.bench.active.prompts.points.length") == 1

    page.click('[data-action="clear"]')
    page.click('button[data-tool="brush"]')
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.45 * box["height"], steps=6)
    page.mouse.up()
    answered(page)
    assert mask(page).any()

    page.click('[data-action="clear"]')
    page.click('button[data-tool="point"]')
    page.focus(".sp-canvas")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    answered(page)
    page.keyboard.press("Control+z")
    counted(page, ".sp-objects li", 0)


def test_downloads_hold_what_is_on_the_page(page: Any) -> None:
    open_sample(page)
    click(page, 0.45, 0.45)
    page.fill("li[data-object='1'] input", "cup")
    page.keyboard.press("Tab")
    wanted = mask(page)
    files = {}
    for kind in ("overlay", "labels", "coco", "yolo", "cutout"):
        with page.expect_download() as waiting:
            page.click(f'[data-kind="{kind}"]')
        files[waiting.value.suggested_filename] = Path(waiting.value.path()).read_bytes()
    assert set(files) == {
        f"coffee.{end}" for end in ("overlay.png", "labels.png", "coco.json", "yolo.zip", "cutout.png")
    }
    labels = np.asarray(Pillow.open(io.BytesIO(files["coffee.labels.png"])))
    assert (labels.astype(bool) == wanted).all()
    cutout = np.asarray(Pillow.open(io.BytesIO(files["coffee.cutout.png"])))
    assert ((cutout[..., 3] == 255) == wanted).all()
    assert Pillow.open(io.BytesIO(files["coffee.overlay.png"])).size == (600, 400)
    found = json.loads(files["coffee.coco.json"])
    assert [one["name"] for one in found["categories"]] == ["cup"]
    assert found["annotations"][0]["area"] == wanted.sum()
    with zipfile.ZipFile(io.BytesIO(files["coffee.yolo.zip"])) as archive:
        assert archive.read("classes.txt").split() == [b"cup"]


def test_hovering_is_decoded_in_the_page_and_is_what_the_server_says(page: Any) -> None:
    loaded: list[str] = []
    page.on("request", lambda one: loaded.append(one.url) if "/sampipe/" in one.url else None)
    open_sample(page)
    assert loaded == [], "who hovers over nothing loads no runtime"
    box = page.locator(".sp-canvas").bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.wait_for_selector('[data-hover="browser"]', timeout=300_000)
    assert any(url.endswith(".wasm") for url in loaded)
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.45 * box["height"])
    page.wait_for_function("sampipe.bench.canvas.preview !== null")
    ours = page.evaluate("sampipe.bench.hover.decode(270, 180).then((one) => [...one.iou.data])")
    answer = page.evaluate(
        """sampipe.bench.server.segment({ key: sampipe.bench.image.key,
        prompts: { points: [[270, 180, 1]], box: null, brush: null } })"""
    )
    assert ours[1:] == pytest.approx([one["iou"] for one in answer["candidates"]], abs=1e-3)
    page.mouse.move(2, 2)
    page.wait_for_function("sampipe.bench.canvas.preview === null")


def test_the_command_that_measures_clicks_and_decodes(demo: str, browser: Any) -> None:
    with ThreadPoolExecutor(1) as other_thread:  # the tools of one thread drive one browser
        timings = other_thread.submit(measure, demo, clicks=2, decodings=3).result()
    assert [len(one.milliseconds) for one in timings] == [2, 3]
    assert all(0 < one.median <= one.slow for one in timings)


def test_without_webassembly_the_server_answers_hovering(demo: str, browser: Any) -> None:
    window = browser.new_context()
    window.add_init_script("delete globalThis.WebAssembly")
    window.set_default_timeout(PATIENCE)
    page = window.new_page()
    page.goto(demo)
    open_sample(page)
    page.wait_for_selector('[data-hover="server"]')
    box = page.locator(".sp-canvas").bounding_box()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.45 * box["height"])
    page.wait_for_function("sampipe.bench.canvas.preview !== null")
    window.close()


def test_a_detector_gives_objects_to_go_on_with(page: Any) -> None:
    open_sample(page, "astronaut")
    tab(page, "Detect + segment")
    page.click("#detect-run")
    page.wait_for_selector(".sp-objects li")
    assert page.input_value(".sp-objects li input") == "face"
    middle = page.evaluate("sampipe.maskMiddle(sampipe.bench.chosen(sampipe.bench.state.objects[0]).rle)")
    assert middle == pytest.approx([220, 115], abs=60)
    page.fill("label:has-text('Classes') input", "dog")
    page.click("#detect-run")
    page.wait_for_selector("text=finds one kind of thing only")


def test_words_find_what_they_name(page: Any) -> None:
    open_sample(page, "astronaut")
    if not has_text_tab(page):
        pytest.skip("this sampipe has no nodes that read words yet")
    tab(page, "Text")
    words = "#text-words textarea, #text-words input"
    page.fill(words, "person, elephant")
    page.press(words, "Enter")
    page.wait_for_selector(".sp-objects li")
    assert {one.input_value() for one in page.locator(".sp-objects li input").all()} == {"person"}, "no elephant"
    score = page.locator(".sp-objects .sp-iou").first
    assert score.get_attribute("title") == "score of what found it"
    assert 0 < float(score.inner_text()) <= 1
    page.get_by_text("text by").first.wait_for()
    before = page.evaluate("sampipe.bench.state.objects[0].id")
    page.locator("#text-score input[type=number]").fill("0.6")
    page.locator("#text-score input[type=number]").press("Tab")
    page.click("#text-run")
    page.wait_for_function(f"sampipe.bench.state.objects[0]?.id !== {before}")
    scores = [float(one) for one in page.locator(".sp-objects .sp-iou").all_inner_texts()]
    assert all(one >= 0.6 for one in scores), "what is weaker than the threshold is not drawn"


def test_everything_runs_says_how_far_it_is_and_stops(page: Any) -> None:
    open_sample(page, "coins")
    tab(page, "Everything")
    page.locator("input[aria-label*='Points a side']").first.fill("64")
    page.click("#everything-run")
    page.wait_for_selector(".sp-progress b")
    page.click("#everything-cancel")
    page.wait_for_selector("text=Stopped; nothing was changed.")
    counted(page, ".sp-objects li", 0)
    page.locator("input[aria-label*='Points a side']").first.fill("6")
    page.click("#everything-run")
    page.wait_for_selector(".sp-objects li")
    page.wait_for_function("document.querySelectorAll('.sp-objects li').length >= 3")


def has_text_tab(page: Any) -> bool:
    return "Text" in page.evaluate(
        "window.gradio_config.components.filter((one) => one.type === 'tabitem').map((one) => one.props.label)"
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_every_tab_fits_light_and_dark(page: Any, shoot: Callable[[Any, str], None], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_selector(".sp-samples")
    letters = looked_at(page, shoot, f"demo-start-{width}")
    assert letters["dark"] > 180 > 100 > letters["light"], "dark follows the system"
    container = page.locator(".gradio-container").bounding_box()
    open_sample(page)
    click(page, 0.45, 0.45)
    box = page.locator(".sp-canvas").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(600 / 400, rel=0.01), "the image is not distorted"
    for name in TABS:
        if name == "Text" and not has_text_tab(page):
            continue
        tab(page, name)
        page.wait_for_selector("#bench", state="hidden" if name == "Video" else "visible")
        if name == "Graph":
            page.wait_for_selector(".sp-node")
        if name == "Video":
            page.fill(".sp-clip-most", "12")
            page.click("[data-clip-sample=rocket]")
            page.wait_for_selector(".sp-clip .sp-stage", state="visible")
        looked_at(page, shoot, f"demo-{name.split()[0].lower()}-{width}")
        here = page.locator(".gradio-container").bounding_box()
        assert (here["x"], here["width"]) == (container["x"], container["width"]), "no tab is wider than another"
        assert width > 640 or page.evaluate(SMALL) == []
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} pixels wide on a screen of {width}"


def looked_at(page: Any, shoot: Callable[[Any, str], None], name: str) -> dict[str, int]:
    """Light and dark, kept as images; gives how bright letters are."""
    letters = {}
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no color on its way to another
        page.wait_for_function(f"document.body.classList.contains('dark') === {str(scheme == 'dark').lower()}")
        shoot(page, f"{name}-{scheme}")
        color = page.evaluate("getComputedStyle(document.querySelector('.gradio-container')).color")
        letters[scheme] = max(map(int, re.findall(r"\d+", color)[:3]))
    return letters
