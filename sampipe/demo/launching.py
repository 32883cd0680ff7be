"""``launch``: a page for one graph, or all pages of the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sampipe._optional import require

if TYPE_CHECKING:
    from sampipe.graph import Graph
    from sampipe.web import Served


def launch(
    graph: Graph | None = None,
    *,
    model: str = "nano",
    device: str = "auto",
    port: int | None = None,
    open_browser: bool = True,
    wait: bool = True,
) -> Served:
    """Open a page on 127.0.0.1: of one graph (a widget for each input and parameter), or the whole demo.

    Args:
        graph: what the page shows; the demo where left out.
        model, device: behind clicks on the picture.
        port: a free one from 7860 on where left out.
        open_browser: show the page at once.
        wait: serve until Ctrl-C; without, the page runs in the background and ``close()`` ends it.

    Raises:
        MissingDependencyError: ``pip install "sampipe[demo]"``.
    """
    require("gradio", "demo")
    from sampipe.demo.page import demo_page, graph_page
    from sampipe.web import serve

    page = demo_page(model=model, device=device) if graph is None else graph_page(graph, model=model, device=device)
    served = serve(page.blocks, port=port, open_browser=open_browser, head=page.head, folders=page.folders)
    if wait:
        print(f"{page.title}: {served.url} (Ctrl-C ends it)", flush=True)
        served.wait()
    return served
