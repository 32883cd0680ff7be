"""What proposes masks on the labelling page lets clicks go first, and ends when somebody says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from annotate_window import Open

from sampipe.graph.run.events import progress
from sampipe.pages.label.project import Project

pytest.importorskip("gradio", reason='the page needs pip install "sampipe[demo]"')

from sampipe.pages.label.workbench import Workbench

PATIENCE = 120.0  # seconds; a machine may be busy


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Proposing takes until it is stopped, or very long; set once it has begun."""
    began, end = threading.Event(), threading.Event()

    def endless(*_: Any) -> tuple[()]:
        began.set()
        while not end.wait(0.01):
            progress(0.5)
        return ()

    monkeypatch.setattr("sampipe.pages.label.proposals.proposed", endless)
    yield began
    end.set()


def test_a_click_goes_before_a_run_over_all_images_which_ends_when_it_is_stopped(
    folder: Path, tiny_model: Path, begun: threading.Event
) -> None:
    bench = Workbench(Project(folder), model=str(tiny_model), device="cpu")
    bench.rest({"source": "everything"})
    assert begun.wait(PATIENCE)
    reply = bench.segment({"image": bench.project.images[0].key, "work": {"points": [[30, 20, 1]]}})
    assert "rle" in reply and bench.job_state()["running"]
    bench.stop({})
    bench.close()  # waits for it
    assert bench.job_state()["text"] == "Stopped. 0 proposals on 0 images."


def test_proposals_for_one_image_are_cancelled_and_change_nothing(open_window: Open, begun: threading.Event) -> None:
    window = open_window()
    window.page.select_option(".sa-propose select", "everything")
    window.page.click("[data-do=propose]")
    window.page.click(".sa-over button")  # perhaps before it has begun
    window.says("Stopped; nothing was changed.")
    window.page.wait_for_selector(".sa-over", state="hidden")
    assert begun.is_set() and window.masks() == ()
