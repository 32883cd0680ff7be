"""Nothing is lost on the labelling page: by a restart, another window, or a server that is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotate_window import CUP, ROCKET, Open, contains


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
    assert again.inside("current") == again.bench.project.images[1].key
    again.page.wait_for_selector(".sa-masks li b:text-is('cup')")
    assert again.masks(1) == (before,)
    again.press("j")
    again.click(CUP[0] + 30, CUP[1] + 10)
    [mended] = again.masks(1)
    assert mended.id == before.id and mended.seconds > before.seconds and len(mended.points) == 2


@pytest.mark.parametrize("servers", ["one server", "two servers"])
def test_two_windows_on_one_image_lose_nothing_and_hear_of_each_other(open_window: Open, servers: str) -> None:
    here = open_window()
    there = open_window(bench=here.bench, url=here.url) if servers == "one server" else open_window()
    here.click(*ROCKET)
    there.click(100, 60)
    there.says("Another window works on this image, too")
    assert len(there.masks()) == 2
    there.page.wait_for_function("document.querySelectorAll('.sa-masks li').length === 2")
    here.says("Another window works on this image, too")
    here.page.wait_for_function("document.querySelectorAll('.sa-masks li').length === 2")
    one = next(mask for mask in here.masks() if contains(mask, ROCKET))
    here.page.evaluate(f"window.sampipe.page.work.label({one.id}, 'rocket')")
    there.page.evaluate(f"window.sampipe.page.work.label({one.id}, 'missile')")
    here.settle()
    there.settle()
    labels = sorted(mask.label for mask in here.masks() if mask.label)
    assert labels == ["missile", "rocket"]
    for _ in range(2400):  # whoever was saved last hears of it
        if any(windows := [window.heard("Both versions are kept") for window in (here, there)]):
            break
        here.page.wait_for_timeout(50)
    assert any(windows)


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
