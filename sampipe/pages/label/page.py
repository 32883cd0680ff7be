"""The labelling page, and serving it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import gradio as gr

from sampipe.pages import shared
from sampipe.pages.label.workbench import Workbench
from sampipe.pages.shared.theme import script

_STATIC = Path(__file__).parent / "static"
_SHARED_SCRIPTS = ("masks.js", "canvas.js")
_SCRIPTS = ("view.js", "work.js", "corners.js", "annotate.js", "screen.js")
_CALLS = (
    "start", "open", "news", "segment", "outline", "fill", "save", "propose",
    "rest", "learn", "stop", "queue", "accept_below",
)  # fmt: skip


def make_page(workbench: Workbench) -> gr.Blocks:
    """The page of one folder."""
    with gr.Blocks(
        title=f"{workbench.project.folder.resolve().name} · sampipe annotate", analytics_enabled=False
    ) as page:
        gr.HTML(
            html_template=_text("annotate.html"),
            js_on_load=f"sampipe.annotate(element, server, {json.dumps(shared.COLORS)})",
            server_functions=[shared.answering(getattr(workbench, name)) for name in _CALLS],
            apply_default_css=False,
        )
    return page


def serve_page(workbench: Workbench, *, port: int | None = None, open_browser: bool = False) -> shared.Served:
    """Serve the page on 127.0.0.1, in the background.

    Raises:
        OSError: the port is taken.
    """
    own = "".join(_text(name) for name in _SCRIPTS)
    head = [f"<style>\n{_text('annotate.css')}</style>", *map(script, _SHARED_SCRIPTS), f"<script>\n{own}</script>"]
    return shared.serve(make_page(workbench), port=port, open_browser=open_browser, head=head)


@cache
def _text(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
