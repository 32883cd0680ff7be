"""The bench of the pages: one picture, prompts on it, masks; a view of a graph from prompts to masks."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image as Pillow

from sampipe import web
from sampipe.demo.browser_decoder import BrowserDecoder
from sampipe.demo.downloads import download
from sampipe.demo.wire import FoundObject, MarkedObject, candidates_json, masks_of, prompts_of, read
from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.nodes import Segment
from sampipe.types import SAMPLES, Image
from sampipe.web.theme import script
from sampipe.web.uploads import MAX_BYTES

STATIC = Path(__file__).parent / "static"
_SHOWN_SIDE = 1600  # pixels; what a page gets of a larger picture
_SCRIPTS = ("bench.js", "bench_view.js", "hover.js")


def click_graph(model: str, device: str) -> Graph:
    """What answers a click: a picture and prompts go in, masks come out."""
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
        self.images = web.ImageStore()
        self.model, self.device, self.live = model, device, live
        self.graph = click_graph(model, device)
        self._in_browser = live and in_browser and BrowserDecoder.is_possible()
        self._decoder: BrowserDecoder | None = None

    def warm(self) -> None:
        """Load the model now, and begin to export its decoder."""
        self.graph.warm()
        if self._in_browser:
            (node,) = self.graph.nodes.values()
            assert isinstance(node, Segment)
            self._decoder = BrowserDecoder(node.sam, self.model)

    def folders(self) -> dict[str, Path]:
        """What the page's script loads by itself."""
        if self._decoder is None:
            return {}
        self._decoder.folder.mkdir(parents=True, exist_ok=True)
        return {"decoder": self._decoder.folder, "runtime": self._decoder_runtime()}

    @staticmethod
    def _decoder_runtime() -> Path:
        from sampipe.demo.browser_decoder import RUNTIME

        return RUNTIME

    # -- what the page's script asks -----------------------------------------------------------------------

    def open_picture(self, data: Any) -> dict[str, Any]:
        """A sample or an uploaded file, as a picture to show."""
        source = read(dict[str, str], data)
        if "sample" in source:
            if source["sample"] not in SAMPLES:
                raise DataError(f"There is no sample {source['sample']!r}.")
            image = Image.open(f"sample:{source['sample']}")
        else:
            image = web.open_upload(source.get("path", ""))
        key = self.images.keep(image)
        return {"key": key, "name": image.name, "width": image.width, "height": image.height, "url": shown(image)}

    def segment(self, data: Any) -> dict[str, Any]:
        """The candidates for one marked object."""
        request = read(dict[str, Any], data)
        image = self.images.get(request.get("key"))
        marked = read(MarkedObject, request.get("prompts"))
        (node,) = self.graph.nodes.values()
        assert isinstance(node, Segment)
        prompts = prompts_of([marked], image, node.sam.config.mask_size)
        with web.turns.turn(self.device):
            result = self.graph.run(image=image, prompts=prompts)
        if not len(result.masks):
            raise DataError("That lies outside the picture.")
        return {"candidates": candidates_json(result.masks), "seconds": result.report.seconds}

    def embedding(self, data: Any) -> dict[str, Any]:
        """The picture as the in-browser decoder takes it."""
        image = self.images.get(read(dict[str, Any], data).get("key"))
        if self._decoder is None:
            raise DataError("This page has no decoder of its own.")
        self._decoder.wait()
        with web.turns.turn(self.device):
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
        return {"waiting": web.turns.waiting()}

    # -- the page ------------------------------------------------------------------------------------------

    def component(self) -> gr.HTML:
        """The bench on a page; the page's head needs :func:`head`."""
        settings = {
            "live": self.live,
            "colors": web.COLORS,
            "most_bytes": MAX_BYTES,
            "samples": [{"name": name, "url": url} for name, url in _samples()],
            "decoder": {"folder": "/sampipe/runtime/"} if self._in_browser else None,
        }
        functions = (self.open_picture, self.segment, self.embedding, self.download, self.waiting)
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
    style = f"<style>\n{(STATIC / 'bench.css').read_text(encoding='utf-8')}\n</style>"
    return [script("masks.js"), script("canvas.js"), *ours, style]


def _plain(function: Callable[[Any], Mapping[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """A function of its own, as Gradio marks those that a page may call; its errors are sentences."""
    return web.answering(function)


def shown(image: Image, side: int = _SHOWN_SIDE) -> str:
    """The picture as a data URL, no longer than ``side``."""
    picture = image.to_pil()
    picture.thumbnail((side, side), Pillow.Resampling.LANCZOS)
    packed = io.BytesIO()
    picture.save(packed, format="JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"


@cache
def _samples() -> list[tuple[str, str]]:
    return [(name, shown(Image.open(f"sample:{name}"), 160)) for name in SAMPLES]
