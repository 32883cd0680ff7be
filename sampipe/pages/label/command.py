"""What ``sampipe annotate`` does: open the folder, pre-fill what is asked for, serve the page until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sampipe.errors import DataError
from sampipe.pages.label.instances import take_in_existing
from sampipe.pages.label.page import serve_page
from sampipe.pages.label.project import Project
from sampipe.pages.label.proposals import EVERYTHING, LEARNED
from sampipe.pages.label.workbench import Workbench, counted


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the user asked for; see ``sampipe annotate --help``."""

    folder: Path
    labels: tuple[str, ...] | None = None
    source: str | None = None
    confidence: float | None = None
    learn_minutes: float | None = None
    automatic: bool = False
    model: str = "nano"
    device: str = "auto"
    port: int | None = None
    open_browser: bool = True


def run(wish: Wish, *, say: Callable[[str], None]) -> None:
    """Open the folder and serve its page, or pre-fill it without a page.

    Raises:
        DataError: the folder, its annotations or the wish is not what it should be.
        OSError: the port is taken.
    """
    bench = open_workbench(wish, say=say)
    try:
        if wish.learn_minutes is not None:
            bench.learn({"minutes": wish.learn_minutes})
            _finish(bench, say)
        if wish.automatic:
            bench.rest({"source": bench.source or EVERYTHING})
            _finish(bench, say)
            say(f"sampipe annotate {wish.folder} shows the doubtful first")
            return
        served = serve_page(bench, port=wish.port, open_browser=wish.open_browser)
        say(f"{served.url} (Ctrl-C ends it)")
        served.wait()
    finally:
        bench.close()


def open_workbench(wish: Wish, *, say: Callable[[str], None]) -> Workbench:
    """The folder with everything that works on it.

    Raises:
        DataError: the folder or its annotations are not what they should be, or the source cannot run here.
    """
    project = Project(wish.folder, labels=wish.labels)
    if taken_in := take_in_existing(project):
        say(f"took in {counted(taken_in, 'mask')} from instances.json")
    source = LEARNED if wish.learn_minutes is not None and wish.source is None else wish.source
    bench = Workbench(project, model=wish.model, device=wish.device, source=source, confidence=wish.confidence)
    summary = bench.instances.summary()
    masks = f"{counted(summary.accepted, 'mask')} on {counted(summary.with_masks, 'image')}"
    say(f"{counted(summary.images, 'image')}: {masks}, {summary.proposed} waiting for a person")
    learns = wish.learn_minutes is not None and source == LEARNED
    if source is not None and not learns and (missing := bench.sources.missing(source)):
        bench.close()
        raise DataError(f"{source} cannot run here: {missing}")
    return bench


def _finish(bench: Workbench, say: Callable[[str], None]) -> None:
    """Wait for a job of the workbench, then tell how it went."""
    while (state := bench.job_state())["running"]:
        time.sleep(0.2)
    if state["failed"]:
        raise DataError(str(state["text"]))
    say(str(state["text"]))
