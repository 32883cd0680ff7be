"""Masks by hand on the labelling page: clicks, boxes, brush, corners, and what hovering shows."""

from __future__ import annotations

from annotate_window import ROCKET, Open, contains

SLOW_OUTLINES = """() => {
  const { corners } = window.sampipe.page, { server } = corners;
  corners.server = { outline: async (what) => { await new Promise((go) => setTimeout(go, 200)); return server.outline(what); } };
}"""  # noqa: E501


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
    late = "({ image: window.sampipe.page.current, masks: [], labels: [], revision: 0, complete: false })"
    window.page.evaluate(f"window.sampipe.page.work.take({late})")
    assert window.inside("work.masks.length") == 1
