"""What sampipe's web pages share: looks, safe ways to serve and to take files, turns on a device.

::

    with gr.Blocks(title="...", analytics_enabled=False) as page: ...
    web.serve(page)                                  # 127.0.0.1, limits, no share, nothing fetched from outside

A handler of an event is wrapped in :func:`friendly`, a function that the page's JavaScript calls in
:func:`answering`; whatever runs a model does so inside ``with turns.turn(device):``.
"""

from __future__ import annotations

from sampipe._colors import COLORS
from sampipe.web.errors import answering, friendly, noted, sentence
from sampipe.web.serving import Served, serve
from sampipe.web.theme import page_css, theme
from sampipe.web.turns import Turns, turns
from sampipe.web.uploads import ImageStore, open_upload, read_text_upload

__all__ = [
    "COLORS",
    "ImageStore",
    "Served",
    "Turns",
    "answering",
    "friendly",
    "noted",
    "open_upload",
    "page_css",
    "read_text_upload",
    "sentence",
    "serve",
    "theme",
    "turns",
]
