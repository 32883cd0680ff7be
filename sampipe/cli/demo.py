"""``sampipe demo``: the pages in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli import _options as options


def demo(
    graph: Annotated[
        Path | None, typer.Argument(metavar="[GRAPH]", help="A graph file: a page for it alone.", show_default=False)
    ] = None,
    model: options.Model = "nano",
    device: options.Device = "auto",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="A free one from 7860 on by default.", show_default=False)
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page at once.")] = True,
    measure: Annotated[
        bool, typer.Option("--measure", help="Print how quick the page is in a headless Chromium, and end.")
    ] = False,
) -> None:
    """Open a page to try everything: clicks, boxes, detectors, texts, whole graphs.

    It is served to this machine only (127.0.0.1) and loads nothing from others.
    """
    from sampipe._optional import require

    require("gradio", "demo")
    from sampipe.pages.demo import launch

    if measure:
        return _measure(model, device)
    launch(graph, model=model, device=device, port=port, open_browser=browser)


def _measure(model: str, device: str) -> None:
    from sampipe.cli import _screen
    from sampipe.pages.demo import launch
    from sampipe.pages.demo.measuring import measure

    served = launch(model=model, device=device, open_browser=False, wait=False)
    try:
        timings = measure(served.url)
    finally:
        served.close()
    rows = [(one.what, str(len(one.milliseconds)), f"{one.median:.0f}", f"{one.slow:.0f}") for one in timings]
    columns = ("in a headless Chromium", "times", "median ms", "95 % ms")
    _screen.print_table(rows, columns=columns, right=columns[1:])
