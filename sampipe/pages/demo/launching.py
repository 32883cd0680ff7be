"""``launch``: a page for one graph, or all pages of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sampipe._optional import require

if TYPE_CHECKING:
    from sampipe.graph import Graph
    from sampipe.pages.shared import Served


def launch(
    graph: Graph | str | Path | None = None,
    *,
    model: str = "nano",
    device: str = "auto",
    port: int | None = None,
    open_browser: bool = True,
    wait: bool = True,
) -> Served:
    """Open a page on 127.0.0.1: of one graph (its inputs and outputs, and its canvas), or the whole demo.

    Args:
        graph: what the page shows, or its file, whose layout is kept; the demo where left out.
        model, device: behind clicks on the image.
        port: a free one from 7860 on where left out.
        open_browser: show the page at once.
        wait: serve until Ctrl-C; without, the page runs in the background and ``close()`` ends it.

    Raises:
        MissingDependencyError: ``pip install "sampipe[demo]"``.
        SpecError: the file cannot be read or has another form.
    """
    require("gradio", "demo")
    from sampipe.pages.demo.page import GraphFile, demo_page, graph_page
    from sampipe.pages.shared import serve

    shown = GraphFile.read(graph) if isinstance(graph, str | Path) else graph
    page = demo_page(model=model, device=device) if shown is None else graph_page(shown, model=model, device=device)
    served = serve(page.blocks, port=port, open_browser=open_browser, head=page.head, folders=page.folders)
    if wait:
        print(f"{page.title}: {served.url} (Ctrl-C ends it)", flush=True)
    page.warm()
    if wait:
        served.wait()
    return served
