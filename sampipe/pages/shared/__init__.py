"""What sampipe's web pages share: looks, safe ways to serve and to take files, turns on a device.

::

    with gr.Blocks(title="...", analytics_enabled=False) as page: ...
    serve(page)                                  # 127.0.0.1, limits, no share, nothing fetched from outside

A handler of an event is wrapped in :func:`friendly`, a function that the page's JavaScript calls in
:func:`answering`; whatever runs a model does so inside ``with device_lock(device):``.
"""

from __future__ import annotations

from sampipe.pages.shared.device_lock import DeviceLock, device_lock, requests_waiting
from sampipe.pages.shared.errors import Cancelled, answering, friendly, noted, sentence, unless_cancelled
from sampipe.pages.shared.kept import ImageStore, Kept
from sampipe.pages.shared.serving import Served, serve
from sampipe.pages.shared.showing import data_url, smaller
from sampipe.pages.shared.theme import page_css, theme
from sampipe.pages.shared.uploads import open_upload, read_text_upload
from sampipe.types.colors import COLORS

__all__ = [
    "COLORS",
    "Cancelled",
    "DeviceLock",
    "ImageStore",
    "Kept",
    "Served",
    "answering",
    "data_url",
    "device_lock",
    "friendly",
    "noted",
    "open_upload",
    "page_css",
    "read_text_upload",
    "requests_waiting",
    "sentence",
    "serve",
    "smaller",
    "theme",
    "unless_cancelled",
]
