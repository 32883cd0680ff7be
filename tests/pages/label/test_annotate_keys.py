"""Labels and keys on the labelling page."""

from __future__ import annotations

from annotate_window import ROCKET, Open


def test_a_session_by_keyboard_alone(open_window: Open) -> None:
    window = open_window(labels=["rocket", "cup"])
    canvas = window.page.locator(".sa-image canvas")
    canvas.focus()
    window.press("ArrowRight", "Enter")  # a cross hair from the middle of the image
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
    record = window.bench.project.read(window.bench.project.images[0])
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
