"""The focus stays where a person works on the labelling page, and its fields say what they hold."""

from __future__ import annotations

from typing import Any

from annotate_window import ROCKET, Open


def focused(page: Any) -> str:
    found: str = page.evaluate("document.activeElement.textContent.trim() || document.activeElement.className")
    return found


def test_the_focus_stays_after_labelling_hiding_choosing_and_deleting(open_window: Open) -> None:
    window = open_window(labels=["rocket", "cup"])
    page = window.page
    for place in (ROCKET, (60, 60)):
        window.click(*place)
        page.wait_for_function("document.querySelectorAll('.sa-candidates button').length === 3")
        window.press("Escape")
    page.focus("[data-do=hide]")
    window.press("Enter")
    page.wait_for_selector("[data-do=hide][aria-pressed=true]")
    assert focused(page) == "Hide"
    window.press("Enter")
    page.focus(".sa-masks li:nth-child(2) .sa-name")
    window.press("Enter")
    page.wait_for_selector(".sa-masks li:nth-child(2)[aria-current=true]")
    assert page.evaluate("document.activeElement.closest('li').matches(':nth-child(2)')")
    page.focus(".sa-chips button:nth-child(2)")
    window.press("Enter")
    page.wait_for_selector(".sa-masks li:nth-child(2) b:text-is('cup')")
    assert focused(page) == "2 cup"
    page.focus(".sa-masks li:nth-child(2) button[title=Delete]")
    window.press("Enter")
    page.wait_for_function("document.querySelectorAll('.sa-masks li').length === 1")
    assert page.evaluate("document.activeElement !== document.body")


def test_the_focus_stays_on_the_answer_that_was_chosen(open_window: Open) -> None:
    window = open_window()
    window.click(*ROCKET)
    window.page.wait_for_function("document.querySelectorAll('.sa-candidates button').length === 3")
    window.page.focus(".sa-candidates button:nth-child(3)")
    window.press("Enter")
    window.page.wait_for_selector(".sa-candidates button:nth-child(3)[aria-pressed=true]")
    assert focused(window.page).startswith("large")


def test_a_double_click_is_one_click(open_window: Open) -> None:
    window = open_window()
    window.page.mouse.dblclick(*window.at(*ROCKET))
    window.settle()
    [mask] = window.masks()
    assert len(mask.points) == 1


def test_how_long_to_learn_is_what_the_field_says(open_window: Open) -> None:
    window = open_window()
    window.page.fill(".sa-propose input[type=number]", "0")
    window.page.click("[data-do=learn]")
    window.says("minutes: got 0")
    window.page.fill(".sa-propose input[type=number]", "0.1")
    window.page.click("[data-do=learn]")
    window.page.wait_for_selector(".sa-job span:has-text('There is nothing to learn from yet')")
