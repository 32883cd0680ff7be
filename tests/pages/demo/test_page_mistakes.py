"""Users hurry, double-click, reload and bring odd files: what the demo's page makes of it, in a real browser."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from browsing import PATIENCE, answered, choose_file, click, counted, open_sample, soon, tab
from PIL import Image as Pillow

pytestmark = pytest.mark.xdist_group("demo")  # one server for all of them

CANDIDATES = ".sp-candidates button"


def test_a_double_click_is_one_click_and_candidates_go_from_the_whole_to_its_parts(page: Any) -> None:
    open_sample(page)
    box = page.locator("#bench .sp-canvas").bounding_box()
    page.mouse.dblclick(box["x"] + 0.45 * box["width"], box["y"] + 0.45 * box["height"])
    answered(page)
    assert page.evaluate("sampipe.bench.active.prompts.points.length") == 1
    counted(page, CANDIDATES, 3)
    names = [text.split()[:2] for text in page.locator(CANDIDATES).all_inner_texts()]
    assert names == [["1", "whole"], ["2", "part"], ["3", "subpart"]]
    areas = page.evaluate(
        """() => {
          const { bench } = sampipe;
          return bench.bySize(bench.active).map((at) => bench.candidates(bench.active)[at].area);
        }"""
    )
    assert areas == sorted(areas, reverse=True)
    page.focus(".sp-canvas")
    page.keyboard.press("2")
    page.wait_for_selector(f'{CANDIDATES}[data-candidate="2"][aria-pressed="true"]')
    page.focus(f'{CANDIDATES}[data-candidate="3"]')
    page.keyboard.press("Enter")
    page.wait_for_selector(f'{CANDIDATES}[data-candidate="3"][aria-pressed="true"]')
    assert page.evaluate("document.activeElement.dataset.candidate") == "3", "the focus stays where it was"


def test_files_that_are_no_images_are_told_and_take_nothing_away(page: Any) -> None:
    open_sample(page)
    click(page, 0.45, 0.45)
    page.click(".sp-other")
    for name, content, told in (
        ("notes.txt", b"hello", "notes.txt is not an image"),
        ("empty.png", b"", "empty.png is empty"),
    ):
        choose_file(page, "Image file", name, content)
        page.wait_for_selector(f".sp-trouble:has-text('{told}')")
    page.click(".sp-keep")
    counted(page, ".sp-objects li", 1)
    page.click(".sp-other")
    strip = io.BytesIO()
    Pillow.new("RGB", (3000, 9), (90, 120, 60)).save(strip, "PNG")
    choose_file(page, "Image file", "strip.png", strip.getvalue())
    page.wait_for_selector(".sp-status:has-text('strip, 3000')")
    box = page.locator("#bench .sp-canvas").bounding_box()
    assert box["width"] > 100 > box["height"] > 0


def test_how_far_a_run_is_has_the_color_of_the_page_and_buttons_pressed_twice_run_once(page: Any) -> None:
    open_sample(page, "coins")
    tab(page, "Everything")
    page.locator("input[aria-label*='Points a side']").first.fill("64")
    page.dblclick("#everything-run")
    page.wait_for_selector(".sp-progress b", state="attached")
    color = page.evaluate("getComputedStyle(document.querySelector('.sp-progress b')).backgroundColor")
    assert color == "rgb(37, 99, 235)", "as the page's buttons"
    counted(page, "progress", 0)  # the browser's own is gray and green
    page.click("#everything-cancel")
    page.wait_for_function("sampipe.bench.server.waiting({}).then((one) => one.waiting === 0)")
    counted(page, ".sp-objects li", 0)


def test_work_that_the_browser_cannot_keep_is_asked_about_before_it_goes(page: Any) -> None:
    open_sample(page)
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    click(page, 0.45, 0.45)
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.close(run_before_unload=True)
    soon(page, lambda: asked, ["beforeunload"])
    counted(page, ".sp-objects li", 1)
    page.evaluate("sampipe.unkept.clear()")  # the window may go now


def test_an_image_that_the_server_holds_no_more_is_told_after_a_reload(page: Any) -> None:
    open_sample(page)
    click(page, 0.45, 0.45)
    page.evaluate(
        """() => {
          const kept = sampipe.kept("sampipe-bench");
          sampipe.keep("sampipe-bench", { ...kept, key: "of another run of the demo" });
          sampipe.keep = () => {};
        }"""
    )
    page.reload()
    page.wait_for_selector(".sp-trouble:has-text('coffee is no longer held, and what was marked on it is gone')")
    open_sample(page)
    counted(page, ".sp-objects li", 0)


def test_a_clip_that_is_followed_keeps_its_frames_when_the_window_is_reloaded(page: Any) -> None:
    tab(page, "Video")
    page.click("[data-clip-sample=astronaut]")
    page.wait_for_selector(".sp-clip-said:has-text('36 frames of 408')")
    box = page.locator(".sp-clip .sp-canvas").bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.7 * box["height"])
    page.wait_for_selector(".sp-clip-follow:has-text('Follow from frame 1'):enabled")
    page.wait_for_function("sampipe.clip.answers.get(sampipe.clip.marks(1)?.version)")
    page.evaluate(
        """() => {
          const { clip } = sampipe, { keep } = clip;
          clip.keep = () => { keep.call(clip); clip.keptAt = -1e9; }; // every frame, and not only now and then
        }"""
    )
    page.click(".sp-clip-follow")
    page.wait_for_function("Object.keys(sampipe.kept('sampipe-clip').state.found).length > 1", timeout=PATIENCE)
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"])
    page.wait_for_selector(".sp-clip-said.sp-error:has-text('Wait for the end of the run')")
    page.reload()
    tab(page, "Video")
    page.wait_for_selector(".sp-clip .sp-objects li")
    kept = page.evaluate("Object.keys(sampipe.clip.state.found).length")
    assert kept > 1
    page.wait_for_selector(f".sp-clip-follow:has-text('Follow from frame {kept + 1}')")
    page.wait_for_function("sampipe.bench.server.waiting({}).then((one) => one.waiting === 0)")


def test_a_clip_that_is_none_is_told_and_a_still_is_one_frame(page: Any, tmp_path: Path) -> None:
    tab(page, "Video")
    choose_file(page, "Clip file", "junk.mp4", b"junk")
    page.wait_for_selector(".sp-clip-said.sp-error:has-text('junk.mp4: not a video that can be read')")
    still = io.BytesIO()
    Pillow.new("RGB", (64, 48), (90, 120, 60)).save(still, "PNG")
    choose_file(page, "Clip file", "still.png", still.getvalue())
    page.wait_for_selector(".sp-clip-said:has-text('still: 1 frame of 64')")


def test_what_is_lost_on_the_way_is_said(page: Any) -> None:
    tab(page, "Video")
    page.fill(".sp-clip-most", "3")
    page.click("[data-clip-sample=astronaut]")
    page.wait_for_selector(".sp-clip-said:has-text('3 frames of 408')")
    lost = page.evaluate(
        """() => {
          const { clip } = sampipe, rle = { size: [4, 4], counts: [3, 5, 8] };
          clip.state = { ...clip.state, objects: [{ id: 1, name: "" }, { id: 2, name: "" }],
            found: { 0: { 1: { rle }, 2: { rle } }, 1: { 1: { rle }, 2: { rle } }, 2: { 2: { rle } } } };
          return clip.lost(0, 2);
        }"""
    )
    assert lost == " Not found any more: object 1 after frame 2; click it where it is."
