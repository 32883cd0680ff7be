"""``sampipe demo`` in a real browser. One server, one browser; each test has a page of its own."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from sampipe.demo.measuring import measure
from sampipe.types import RLE

TABS = ("Segment", "Detect + segment", "Text", "Everything", "Video", "Graph")
PATIENCE = 120_000  # milliseconds; for machines with other work to do


@pytest.fixture
def page(demo: str, browser: Any) -> Iterator[Any]:
    window = browser.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    window.set_default_timeout(PATIENCE)
    opened = window.new_page()
    outside: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda one: outside.append(one.url) if not local(one.url, demo) else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(demo)
    yield opened
    window.close()
    assert outside == [], "the page asked another machine for something"
    assert wrong == []


def local(url: str, demo: str) -> bool:
    return url.startswith((demo, "data:", "blob:"))


def open_sample(page: Any, name: str = "coffee") -> None:
    page.click(f"[data-sample={name}]")
    page.wait_for_selector(".has-picture")


def click(page: Any, x: float, y: float, **how: Any) -> None:
    """A click at a share of the picture, and the wait for its answer."""
    box = page.locator(".sp-canvas").bounding_box()
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"], **how)
    answered(page)


def answered(page: Any) -> None:
    page.wait_for_function(
        """() => {
          const one = sampipe.bench.active, answer = one && sampipe.bench.answers.get(one.version);
          return answer && answer.candidates && !answer.pending;
        }"""
    )


def mask(page: Any) -> np.ndarray:
    """The active object's mask."""
    found = page.evaluate("sampipe.bench.chosen(sampipe.bench.active).rle")
    return RLE.from_coco(found).decode()


def tab(page: Any, name: str) -> None:
    """Go to a tab; on a narrow screen the last ones are in a menu."""
    shown = page.get_by_role("tab", name=name, exact=True)
    if shown.count():
        return shown.first.click()
    page.click(".overflow-menu > button")
    page.locator(".overflow-dropdown button", has_text=name).click()


def test_click_background_undo_candidates_and_objects(page: Any) -> None:
    open_sample(page)
    click(page, 0.45, 0.45)
    first = mask(page)
    assert first[int(0.45 * 400), int(0.45 * 600)], "the mask covers what was clicked"
    assert page.locator(".sp-candidates button").count() == 3
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
    assert page.locator(".sp-candidates button").count() == 0
    page.click('[data-action="undo"]')
    assert (mask(page) == first).all()
    page.click('[data-action="redo"]')
    assert (mask(page) == shrunk).all()

    page.click('[data-action="finish"]')
    click(page, 0.7, 0.7)
    assert page.locator(".sp-objects li").count() == 2
    page.click('li[data-object="1"] [data-do="hide"]')
    assert page.evaluate("sampipe.bench.canvas.layers.length") == 1
    page.click('li[data-object="1"] [data-do="remove"]')
    assert page.locator(".sp-objects li").count() == 1
    page.click('[data-action="clear"]')
    assert page.locator(".sp-objects li").count() == 0


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
    assert page.locator(".sp-objects li").count() == 1, "a refined object stays the same object"
    assert page.evaluate("sampipe.bench.active.prompts.points.length") == 1

    page.click('[data-action="clear"]')
    page.click('[data-tool="brush"]')
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.45 * box["height"], steps=6)
    page.mouse.up()
    answered(page)
    assert mask(page).any()

    page.click('[data-action="clear"]')
    page.click('[data-tool="point"]')
    page.focus(".sp-canvas")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    answered(page)
    page.keyboard.press("Control+z")
    assert page.locator(".sp-objects li").count() == 0


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
    open_sample(page)
    page.wait_for_selector('[data-hover="browser"]', timeout=300_000)
    box = page.locator(".sp-canvas").bounding_box()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.45 * box["height"])
    page.wait_for_function("sampipe.bench.canvas.preview !== null")
    ours = page.evaluate("sampipe.bench.hover.decode(270, 180).then((one) => [...one.iou.data])")
    answer = page.evaluate(
        """sampipe.bench.server.segment({ key: sampipe.bench.picture.key,
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
    page.fill("#text-words textarea, #text-words input", "person")
    page.click("#text-run")
    page.wait_for_selector(".sp-objects li")
    assert page.input_value(".sp-objects li input") == "person"
    assert page.get_by_text("text by").count()


def test_everything_runs_says_how_far_it_is_and_stops(page: Any) -> None:
    open_sample(page, "coins")
    tab(page, "Everything")
    page.locator("input[aria-label*='Points a side']").first.fill("64")
    page.click("#everything-run")
    page.wait_for_selector("progress[value]")
    page.click("#everything-cancel")
    page.wait_for_selector("text=Stopped; nothing was changed.")
    assert page.locator(".sp-objects li").count() == 0
    page.locator("input[aria-label*='Points a side']").first.fill("6")
    page.click("#everything-run")
    page.wait_for_selector(".sp-objects li")
    assert page.locator(".sp-objects li").count() >= 3


def test_a_clip_is_followed_stopped_and_played(page: Any) -> None:
    page.wait_for_selector(".sp-samples")
    tab(page, "Video")
    page.wait_for_selector("#video-run")
    assert not page.locator("#bench").is_visible()
    page.locator("#video-frames input[type=number]").fill("300")
    page.click("#video-run")
    page.wait_for_selector("#video-screen img")  # a frame, while it works
    page.click("#video-cancel")
    page.wait_for_selector("text=Stopped; nothing was kept.")
    page.locator("#video-frames input[type=number]").fill("4")
    page.click("#video-run")
    page.wait_for_selector("#video-screen video")
    page.wait_for_selector("text=1 object with an id each, 4 masks in 4 frames")
    page.wait_for_function("document.querySelector('#video-screen video').videoWidth === 408")
    with page.expect_download() as waiting:
        page.click("#video-screen a:has-text('.parquet')")
    assert Path(waiting.value.path()).read_bytes()[:4] == b"PAR1"
    tab(page, "Segment")
    page.wait_for_selector("#bench", state="visible")


def test_a_graph_runs_and_shows_each_node(page: Any) -> None:
    open_sample(page, "astronaut")
    tab(page, "Graph")
    page.wait_for_selector("#graph-run")
    page.click("#graph-run")
    page.wait_for_selector(".sp-card[data-node=clean_masks]")
    assert page.locator(".sp-card").count() == 4
    assert "cache hit" in page.inner_text(".sp-card[data-node=segment]")
    assert page.locator(".sp-card[data-node=segment] img").count() == 1


def test_a_graph_with_an_error_says_it_at_its_node(page: Any) -> None:
    open_sample(page)
    tab(page, "Graph")
    wrong = """sampipe: 1
inputs: {image: Image}
nodes:
  boxes: {type: sampipe.Boxes@1, params: {boxes: [[10, 10, 200, 200]]}, inputs: {image: $image}}
  segment: {type: sampipe.Segment@1, params: {modle: nano}, inputs: {image: $image, prompts: boxes.prompts}}
outputs: {masks: segment.masks}
"""
    page.wait_for_selector("#graph-upload")
    with page.expect_file_chooser() as chooser:
        page.click("#graph-upload")
    chooser.value.set_files({"name": "wrong.yaml", "mimeType": "text/yaml", "buffer": wrong.encode()})
    page.wait_for_selector('#node-segment [data-node="segment"]')
    assert "no parameter 'modle'. Did you mean 'model'?" in page.inner_text('#node-segment [data-node="segment"]')
    assert page.locator("#node-boxes [data-node]").count() == 0


def test_a_graph_is_put_together_from_nothing(page: Any) -> None:
    open_sample(page, "astronaut")
    tab(page, "Graph")
    choose(page, "#graph-example", "An empty graph")
    for type_id, name in (("skimage.FaceDetector@1", "face_detector"), ("sampipe.Segment@1", "segment")):
        choose(page, "#graph-add-type", type_id)
        page.click("#graph-add")
        page.wait_for_selector(f"#node-{name}")
    page.click("#node-segment button")
    page.locator("#wire-segment-prompts input").click()
    page.wait_for_selector("#wire-segment-prompts [role=option]")
    offered = page.locator("#wire-segment-prompts [role=option]").all_inner_texts()
    assert {one.strip("✓ \n") for one in offered} == {"face_detector.prompts", "$prompts"}, "only what fits is offered"
    page.keyboard.press("Escape")
    page.click("#graph-run")
    page.wait_for_selector(".sp-card[data-node=segment]")
    page.click("text=As a file")
    page.wait_for_selector("#graph-python >> text=sp.trace")


def has_text_tab(page: Any) -> bool:
    return "Text" in page.evaluate(
        "window.gradio_config.components.filter((one) => one.type === 'tabitem').map((one) => one.props.label)"
    )


def choose(page: Any, dropdown: str, value: str) -> None:
    page.wait_for_selector(f"{dropdown} input")
    page.locator(f"{dropdown} input").click()
    page.locator(f"{dropdown} input").fill(value)
    page.locator(f"{dropdown} [role=option]", has_text=value).first.click()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_fits_and_is_kept_as_a_picture(
    demo: str, browser: Any, screenshots: Path, width: int, scheme: str
) -> None:
    window = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    window.set_default_timeout(PATIENCE)
    page = window.new_page()
    page.goto(demo)
    page.wait_for_selector(".sp-samples")
    page.screenshot(path=screenshots / f"demo-start-{width}-{scheme}.png", full_page=True)
    open_sample(page)
    click(page, 0.45, 0.45)
    box = page.locator(".sp-canvas").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(600 / 400, rel=0.01), "the picture is not distorted"
    for name in TABS:
        if name == "Text" and not has_text_tab(page):
            continue
        tab(page, name)
        page.wait_for_timeout(600)
        slug = name.split()[0].lower()
        page.screenshot(path=screenshots / f"demo-{slug}-{width}-{scheme}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} pixels wide on a screen of {width}"
    window.close()
