"""The bench of the pages: one image, prompts on it, masks; a view of a graph from prompts to masks."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.nodes import Segment
from sampipe.pages import shared
from sampipe.pages.demo.browser_decoder import RUNTIME, BrowserDecoder
from sampipe.pages.demo.downloads import download
from sampipe.pages.demo.jobs import Jobs
from sampipe.pages.demo.wire import FoundObject, MarkedObject, candidates_json, masks_of, prompts_of, read
from sampipe.pages.shared.theme import script
from sampipe.pages.shared.uploads import MAX_BYTES
from sampipe.types import SAMPLES, Image

if TYPE_CHECKING:
    from sampipe.models import SamModel

STATIC = Path(__file__).parent / "static"
_SHOWN_SIDE = 1600  # pixels; what a page gets of a larger image
_SCRIPTS = (
    "bench.js", "stage_view.js", "bench_view.js", "hover.js", "clip.js", "clip_view.js",
    "graph_model.js", "graph_node.js", "graph_board.js", "graph_menu.js", "graph_bar.js", "graph_canvas.js",
)  # fmt: skip


def click_graph(model: str, device: str) -> Graph:
    """What answers a click: an image and prompts go in, masks come out."""
    from sampipe.graph.chain import as_graph

    return as_graph(Segment(model=model, device=device))


class Bench:
    """The server's side of a bench.

    Args:
        model, device: of the graph behind clicks; None for a bench that only takes marks.
        in_browser: whether the page may decode by itself what hovering asks.
    """

    def __init__(
        self, *, model: str = "nano", device: str = "auto", live: bool = True, in_browser: bool = True
    ) -> None:
        self.images, self.jobs = shared.ImageStore(), Jobs()
        self.model, self.device, self.live = model, device, live
        self.graph = click_graph(model, device)
        self._decoder: BrowserDecoder | None = None
        if live and in_browser and BrowserDecoder.is_possible(model):
            self._decoder = BrowserDecoder(self._own_model, model)

    @property
    def _node(self) -> Segment:
        (node,) = self.graph.nodes.values()
        assert isinstance(node, Segment)
        return node

    @property
    def mask_size(self) -> int:
        """Of the model's mask prompts."""
        return self._node.sam.mask_size

    def _own_model(self) -> SamModel:
        from sampipe.models import load_model

        return load_model(self.model, self.device)  # the one that the node holds

    def check(self) -> None:
        """Look for what the model needs, without loading it.

        Raises:
            DataError: what is missing, and how to get it.
        """
        if (self.model, self.device) == ("nano", "auto"):
            return  # inside the package, and looking for it would wait for torch
        for problem in self.graph.check().problems:
            raise DataError(f"{problem.message} {problem.fix}".strip())

    def warm(self) -> None:
        """Load the model, in the background."""
        if self.live:
            threading.Thread(target=self.graph.warm, daemon=True).start()

    def stop(self, window: gr.Request) -> None:
        """End what runs for a window: somebody asked, or closed it."""
        self.jobs.cancel(str(window.session_hash))

    def folders(self) -> dict[str, Path]:
        """What the page's script loads by itself."""
        return {} if self._decoder is None else {"decoder": self._decoder.folder, "runtime": RUNTIME}

    # -- what the page's script asks -----------------------------------------------------------------------

    def open_image(self, data: Any) -> dict[str, Any]:
        """A sample, an uploaded file or an image that is held, to be shown."""
        source = read(dict[str, str], data)
        if "key" in source:
            image = self.images.get(source["key"])
        elif "sample" in source:
            if source["sample"] not in SAMPLES:
                raise DataError(f"There is no sample {source['sample']!r}.")
            image = Image.open(f"sample:{source['sample']}")
        else:
            image = shared.open_upload(source.get("path", ""))
        key = self.images.keep(image)
        return {
            "key": key,
            "name": image.name,
            "width": image.width,
            "height": image.height,
            "url": shared.data_url(image, _SHOWN_SIDE),
        }

    def has_image(self, data: Any) -> dict[str, Any]:
        """Whether an image is still held; an error if not."""
        return {"key": self.images.get(read(dict[str, Any], data).get("key")).key}

    def segment(self, data: Any) -> dict[str, Any]:
        """The candidates for one marked object."""
        request = read(dict[str, Any], data)
        image = self.images.get(request.get("key"))
        marked = read(MarkedObject, request.get("prompts"))
        prompts = prompts_of([marked], image, self.mask_size)
        with shared.device_lock(self.device):
            result = self.graph.run(image=image, prompts=prompts)
        if not len(result.masks):
            raise DataError("That lies outside the image.")
        return {"candidates": candidates_json(result.masks), "seconds": result.report.seconds}

    def embedding(self, data: Any) -> dict[str, Any]:
        """The image as the in-browser decoder takes it."""
        image = self.images.get(read(dict[str, Any], data).get("key"))
        if self._decoder is None:
            raise DataError("This page has no decoder of its own.")
        self._decoder.wait()
        with shared.device_lock(self.device):
            return self._decoder.embedding(image)

    def download(self, data: Any) -> dict[str, Any]:
        """A file of the masks on the page."""
        request = read(dict[str, Any], data)
        image = self.images.get(request.get("key"))
        found = read(list[FoundObject], request.get("objects"))
        made = download(str(request.get("kind")), image, masks_of(found, image))
        return {"name": made.name, "type": made.type, "content": base64.b64encode(made.content).decode()}

    def waiting(self, data: Any) -> dict[str, Any]:
        """How many run or wait."""
        return {"waiting": shared.requests_waiting()}

    # -- the page ------------------------------------------------------------------------------------------

    def component(self) -> gr.HTML:
        """The bench on a page; the page's head needs :func:`head`."""
        settings = {
            "live": self.live,
            "colors": shared.COLORS,
            "most_bytes": MAX_BYTES,
            "samples": [{"name": name, "url": url} for name, url in _samples()],
            "decoder": {"folder": "/sampipe/runtime/"} if self._decoder is not None else None,
        }
        functions = (self.open_image, self.has_image, self.segment, self.embedding, self.download, self.waiting)
        return gr.HTML(
            html_template='<div class="sp-bench"></div>',
            js_on_load=f"new sampipe.Bench(element, server, upload, {json.dumps(settings)});",
            server_functions=[_plain(function) for function in functions],
            elem_id="bench",
            padding=False,
            apply_default_css=False,
        )


def head() -> list[str]:
    """The scripts and styles of a bench."""
    ours = [f"<script>\n{(STATIC / name).read_text(encoding='utf-8')}\n</script>" for name in _SCRIPTS]
    styles = [
        f"<style>\n{(STATIC / name).read_text(encoding='utf-8')}\n</style>"
        for name in ("bench.css", "graph.css", "clip.css")
    ]
    return [script("masks.js"), script("canvas.js"), *ours, *styles]


def _plain(function: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """A function of its own, as Gradio marks those that a page may call; its errors are sentences."""
    return shared.answering(function)


@cache
def _samples() -> list[tuple[str, str]]:
    return [(name, shared.data_url(Image.open(f"sample:{name}"), 160)) for name in SAMPLES]
