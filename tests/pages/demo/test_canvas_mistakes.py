"""Wrong graphs, loose ends and wrong settings on the canvas: what it says, and that the focus stays."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import choose_file, counted, soon

pytestmark = pytest.mark.xdist_group("demo")  # one server for all of them

STATUS = ".sp-graph-status"
WRONG = (
    ("wrong.yaml", b"sampipe: 1\nnodes: [", "while parsing"),
    ("binary.yaml", bytes(range(256)), "not allowed"),
    ("list.yaml", b"- a\n- b", "a graph file is a mapping"),
    ("later.yaml", b"sampipe: 9\nnodes: {}\noutputs: {}", "does not read"),
)


def test_a_file_that_is_no_graph_leaves_the_canvas_and_is_told(canvas: Any) -> None:
    page = canvas
    page.select_option(".sp-examples", "Faces to masks")
    page.wait_for_selector(".sp-node[data-node=clean_masks]")
    for name, content, told in WRONG:
        choose_file(page, "Graph file", name, content)
        page.wait_for_selector(f"{STATUS}.sp-error:has-text('{told}')")
        counted(page, ".sp-node:not(.is-input)", 4)
    page.click(".sp-node[data-node=clean_masks] header span")
    page.keyboard.press("ArrowDown")
    soon(page, lambda: page.inner_text(STATUS), "")  # what was said is of before the change


def test_what_cannot_run_is_said_and_is_no_success(canvas: Any) -> None:
    page = canvas
    page.select_option(".sp-examples", "Faces to masks")
    page.wait_for_selector(".sp-node[data-node=clean_masks]")
    page.click('[data-do="run"]')
    page.wait_for_selector(f"{STATUS}.sp-error:has-text('Nothing ran. face_detector: image is not given yet.')")
    page.click("[data-graph-sample=astronaut]")
    page.wait_for_selector(".sp-given img.sp-node-image")
    page.evaluate("sampipe.graph.model.disconnect({ node: 'clean_masks', port: 'masks' })")
    page.click('[data-do="run"]')
    page.wait_for_selector(f"{STATUS}:has-text('3 ran, 1 cannot run yet.')")


def test_from_setting_to_setting_by_key_and_a_wrong_one_is_red(canvas: Any) -> None:
    page = canvas
    page.select_option(".sp-examples", "Faces to masks")
    node = ".sp-node[data-node=clean_masks]"
    page.click(f"{node} summary")
    page.fill(f"{node} [name=max_hole]", "-7")
    page.keyboard.press("Tab")
    page.wait_for_selector(f"{node}[data-state=failed] .sp-node-said:has-text('wanted a whole number, at least 0')")
    assert page.evaluate("document.activeElement.name") == "min_island", "the focus is where Tab leads"
    page.wait_for_selector(f"{node} summary:has-text('1 changed')")
    page.focus(f"{node} [name=max_hole]")
    page.fill(f"{node} [name=max_hole]", "50")
    page.keyboard.press("Shift+Tab")
    page.wait_for_selector(f"{node}:not([data-state=failed])")
    page.focus(".sp-ground")
    page.keyboard.press("Control+z")
    soon(page, lambda: page.input_value(f"{node} [name=max_hole]"), "-7")


def test_out_of_date_can_be_read_on_a_node_with_a_long_name(canvas: Any) -> None:
    page = canvas
    page.select_option(".sp-examples", "Faces to masks")
    page.wait_for_selector(".sp-node[data-node=clean_masks]")
    page.evaluate("sampipe.graph.model.rename('select_candidate', 'the_best_candidate_of_all')")
    mark = ".sp-node[data-node=the_best_candidate_of_all] header span"
    page.evaluate("(mark) => { document.querySelector(mark).dataset.stale = 'out of date'; }", mark)
    cut = page.evaluate(
        "(mark) => { const one = document.querySelector(mark); return one.scrollWidth - one.clientWidth; }", mark
    )
    shown = page.evaluate("(mark) => document.querySelector(mark).clientWidth", mark)
    assert cut <= 0 < 40 < shown


def test_a_node_is_renamed_by_key_keeps_the_focus_and_odd_names_are_refused(canvas: Any) -> None:
    page = canvas
    page.select_option(".sp-examples", "Faces to masks")
    page.click(".sp-node[data-node=clean_masks] header span")
    page.focus(".sp-node[data-node=clean_masks]")
    for name, told in (("1 bad", "1 bad cannot name a node"), ("segment", "There is a node segment already.")):
        page.keyboard.press("F2")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{STATUS}.sp-error:has-text('{told}')")
        assert page.evaluate("document.activeElement.dataset.node") == "clean_masks"
    page.keyboard.press("F2")
    page.keyboard.type("tidy")
    page.keyboard.press("Enter")
    page.wait_for_selector(".sp-node[data-node=tidy]")
    assert page.evaluate("document.activeElement.dataset.node") == "tidy"
    assert page.evaluate("sampipe.graph.model.graph.outputs") == {"masks": "tidy.masks"}


def test_the_palette_has_what_can_run_by_category_what_is_missing_and_no_savers(canvas: Any) -> None:
    page = canvas
    categories = [text for text in page.locator(".sp-palette summary").all_inner_texts() if text]
    assert categories[:3] == ["Inputs", "Detectors", "Prompts"]
    name, first_line = page.locator(".sp-palette [data-type='sampipe.Segment@1']").inner_text().splitlines()
    assert name == "Segment" and first_line.endswith(".")
    missing = page.locator(".sp-palette [data-type='torchvision.TorchvisionDetector@1'].is-missing code")
    assert missing.inner_text(), "the line that gets it"
    page.fill(".sp-palette input", "save")
    soon(page, lambda: page.locator(".sp-palette [data-type*='Save']").count(), 0)
