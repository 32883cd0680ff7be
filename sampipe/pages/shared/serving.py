"""Serving a page safely: this machine only, nothing shared, limits on what comes in."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.responses import FileResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from sampipe.pages.shared.theme import page_css, theme
from sampipe.pages.shared.uploads import MAX_BYTES

HOST = "127.0.0.1"
MOST_QUEUED = 32


@dataclass(frozen=True)
class Served:
    """A page that runs.

    Args:
        url: where.
        blocks: the page itself.
    """

    url: str
    blocks: gr.Blocks

    def close(self) -> None:
        """Stop serving."""
        self.blocks.close(verbose=False)

    def wait(self) -> None:
        """Serve until Ctrl-C."""
        self.blocks.block_thread()


def serve(
    blocks: gr.Blocks,
    *,
    port: int | None = None,
    open_browser: bool = False,
    head: Sequence[str] = (),
    folders: Mapping[str, Path] | None = None,
) -> Served:
    """Serve a page on 127.0.0.1, in the background.

    No share link, no telemetry, no API beside the page, no folder of this machine but ``folders``, uploads of at
    most 64 MB, at most 32 waiting events; nothing is fetched from other machines.

    Args:
        port: a free one from 7860 on where left out.
        open_browser: show it at once.
        head: HTML for the page's head, such as :func:`sampipe.pages.shared.theme.script`.
        folders: read-only files for the page's own scripts, under ``/sampipe/NAME/``.

    Raises:
        OSError: the port is taken.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read again by some of Gradio's parts when it launches
    blocks.queue(api_open=False, max_size=MOST_QUEUED, default_concurrency_limit=8)
    app, url, _ = blocks.launch(
        server_name=HOST,
        server_port=port,
        share=False,
        inbrowser=False,
        prevent_thread_lock=True,
        quiet=True,
        show_error=True,
        max_file_size=MAX_BYTES,
        strict_cors=True,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        theme=theme(),
        head="\n".join([f"<style>\n{page_css()}\n</style>", *head]),  # what goes in as css loses its media queries
    )
    _serve_folders(app, folders or {})
    if open_browser:
        import webbrowser

        webbrowser.open(url)
    return Served(url, blocks)


def _serve_folders(app: Any, folders: Mapping[str, Path]) -> None:
    for name, folder in folders.items():
        # before Gradio's own routes, of which one takes any path
        app.router.routes.insert(0, Mount(f"/sampipe/{name}", _Files(directory=folder)))


class _Files(StaticFiles):
    """The files of a folder; one that is there as ``NAME.gz`` only is sent as it is, and unpacked by the browser."""

    async def get_response(self, path: str, scope: Any) -> Response:
        packed = not self.lookup_path(path)[0] and self.lookup_path(f"{path}.gz")[0]
        if not packed:
            return await super().get_response(path, scope)
        media_type = "application/wasm" if path.endswith(".wasm") else mimetypes.guess_type(path)[0]
        return FileResponse(packed, media_type=media_type, headers={"Content-Encoding": "gzip"})
