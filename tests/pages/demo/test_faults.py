"""What once lost work or misled people on the demo's page, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import PATIENCE, answered, choose, click, counted, open_sample, soon, tab
from tiny_yolox import CELL, rows_with, write_model

pytestmark = pytest.mark.xdist_group("demo")  # one server for all of them


def test_the_chosen_candidate_goes_on_as_the_mask_prompt(page: Any) -> None:
    open_sample(page)
    click(page, 0.45, 0.45)
    assert page.locator(".sp-candidates").bounding_box()["y"] < page.locator(".sp-canvas").bounding_box()["y"]
    names = page.locator(".sp-candidates button").all_inner_texts()
    assert {name.split()[1] for name in names} == {"whole", "part", "subpart"}
    page.locator('.sp-candidates button[aria-pressed="false"]').first.click()
    chosen = page.evaluate("sampipe.bench.chosen(sampipe.bench.active).rle.counts")
    click(page, 0.46, 0.46)
    assert page.evaluate("sampipe.bench.active.prompts.mask.counts") == chosen


def test_what_finds_objects_adds_them_and_a_click_on_one_selects_it(page: Any) -> None:
    open_sample(page, "astronaut")
    click(page, 0.75, 0.85)
    page.fill(".sp-objects li input", "suit")
    page.keyboard.press("Tab")
    soon(page, lambda: page.evaluate("document.activeElement.dataset.do"), "hide")  # the focus stays where it was
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.do") == "hide"
    page.keyboard.press("Enter")
    tab(page, "Detect + segment")
    page.click("#detect-run")
    page.wait_for_function("document.querySelectorAll('.sp-objects li').length === 2")
    page.focus(".sp-canvas")
    page.keyboard.press("Escape")  # lets go of the suit
    first = page.evaluate("sampipe.bench.state.objects[1].id")
    page.click("#detect-run")
    page.wait_for_function(f"sampipe.bench.state.objects[1].id !== {first}")
    page.wait_for_selector(".sp-status:has-text('1 added')")
    names = [page.locator(".sp-objects li input").nth(i).input_value() for i in range(2)]
    assert names == ["suit", "face"], "what was made by hand is kept, the detector's own object is found anew"
    x, y = page.evaluate("sampipe.maskMiddle(sampipe.bench.chosen(sampipe.bench.state.objects[1]).rle)")
    box = page.locator(".sp-canvas").bounding_box()
    page.mouse.click(box["x"] + (x + 0.5) / 512 * box["width"], box["y"] + (y + 0.5) / 512 * box["height"])
    page.wait_for_selector(".sp-objects li.is-active input")
    assert page.input_value(".sp-objects li.is-active input") == "face"

    page.reload()
    page.wait_for_function("document.querySelectorAll('.sp-objects li').length === 2")
    names = [page.locator(".sp-objects li input").nth(i).input_value() for i in range(2)]
    assert names == ["suit", "face"], "a reload loses nothing"
    page.click(".sp-other")
    page.click(".sp-keep")
    counted(page, ".sp-objects li", 2)


def test_strokes_add_up_and_messages_do_not_outlive_what_they_say(page: Any) -> None:
    open_sample(page)
    page.click('button[data-tool="background"]')
    box = page.locator(".sp-canvas").bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + 20)
    counted(page, ".sp-status.sp-error", 1)
    page.click('button[data-tool="brush"]')
    sizes = []
    for y in (0.4, 0.6):
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + y * box["height"], steps=4)
        page.mouse.up()
        answered(page)
        counts = page.evaluate("sampipe.bench.active.prompts.brush.counts")
        sizes.append(sum(counts[1::2]))
    assert sizes[1] > 1.5 * sizes[0], "the second stroke is added to the first"
    counted(page, ".sp-status.sp-error", 0)
    counted(page, "canvas[aria-pressed]", 0)
    wide = page.locator(".sp-canvas").bounding_box()["width"]
    page.click("[data-zoom='1.25']")
    assert page.locator(".sp-canvas").bounding_box()["width"] > 1.2 * wide


def test_errors_are_red_and_say_what_to_do(page: Any) -> None:
    page.wait_for_selector(".sp-samples")
    tab(page, "Detect + segment")
    page.click("#detect-run")
    page.wait_for_selector("text=Choose an image first.")
    color = page.evaluate(
        "getComputedStyle([...document.querySelectorAll('p.sp-error')].find((one) => one.textContent)).color"
    )
    red, green, blue = (int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(","))
    assert red > 150
    assert max(green, blue) < 80


def test_a_run_ends_with_its_window_and_a_click_does_not_wait_for_it(page: Any) -> None:
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(page.url)
    open_sample(other, "coins")
    tab(other, "Everything")
    other.locator("input[aria-label*='Points a side']").first.fill("64")
    other.click("#everything-run")
    other.wait_for_selector(".sp-progress b")
    open_sample(page, "coins")
    click(page, 0.5, 0.5)
    counted(other, ".sp-progress", 1)  # the long run goes on; the click went before it
    other.close()
    page.wait_for_function("sampipe.bench.server.waiting({}).then((one) => one.waiting === 0)")


def test_a_model_file_of_ones_own_detects_and_no_other_path_of_the_server_is_opened(page: Any, tmp_path: Path) -> None:
    middle = (CELL, 0.5, 0.5, 0.6, 0.6, 0.9, 0.1, 0.9)  # a box of 29 of 64 pixels, of the second class
    write_model(tmp_path / "mine.onnx", rows_with(middle))
    open_sample(page, "astronaut")
    tab(page, "Detect + segment")
    choose(page, "#detector", "onnx")
    page.click("#detect-run")
    page.wait_for_selector("p.sp-error:has-text('onnx has no model yet: upload a model file')")
    page.fill("#detector-model input", "/etc/passwd")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "![...document.querySelectorAll('p.sp-error')].some((one) => one.textContent)"
    )  # it is stale
    page.click("#detect-run")
    page.wait_for_selector("p.sp-error:has-text('A page opens no path of this machine')")
    with page.expect_file_chooser() as chooser:
        page.click("#detector-upload")
    chooser.value.set_files(tmp_path / "mine.onnx")
    page.wait_for_function("document.querySelector('#detector-model input').value.endsWith('mine.onnx')")
    page.click("#detect-run")
    page.wait_for_selector("p.sp-error:has-text(': mine.onnx: the model has 2 classes')")  # and not where it lies
    page.fill("#detector-names input, #detector-names textarea", "nut, bolt")
    page.click("#detect-run")
    page.wait_for_selector(".sp-objects li")
    assert page.input_value(".sp-objects li input") == "bolt"
    x0, _, x1, _ = page.evaluate("sampipe.bench.state.objects[0].prompts.box")
    assert abs((x0 + x1) / 2 - 24 / 64 * 512) < 8
    assert str(tmp_path) not in page.content()
