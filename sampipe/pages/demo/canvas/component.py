"""The canvas on a page, and what its script asks the server."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field

from sampipe.errors import DataError, SampipeError
from sampipe.graph.spec import GraphSpec
from sampipe.pages import shared
from sampipe.pages.demo.as_python import as_python
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.canvas.catalog import catalog
from sampipe.pages.demo.canvas.draft import draft_of, graph_of, problems, text_of, with_outputs
from sampipe.pages.demo.canvas.previews import LARGE, summary
from sampipe.pages.demo.canvas.run import CanvasRun, Given, Memory, Ran
from sampipe.pages.demo.canvas.safety import refuse, refused
from sampipe.pages.demo.jobs import Jobs
from sampipe.pages.demo.wire import MarkedObject, objects_json, prompts_of, read
from sampipe.types import Image, Masks, Text

_WINDOWS = 4  # whose results are held
_WAIT = 2.0  # seconds until an answer without news
_MASK_SIZE = 256
_VALUES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


class Asked(BaseModel):
    """What the page's script sends."""

    model_config = ConfigDict(extra="forbid")

    window: Annotated[str, Field(max_length=64)] = ""
    graph: GraphSpec | None = None
    text: Annotated[str, Field(max_length=1 << 20)] = ""
    only: list[str] | None = None
    key: str | None = None
    prompts: list[MarkedObject] = []
    values: dict[str, Any] = {}
    after: int = 0
    node: str = ""
    port: str = ""


class GraphCanvas:
    """The server's side of a canvas.

    Args:
        bench: where the image and the marks on it come from.
        examples: gives graph files by name, read when the canvas is first seen; it shows the first one.
        may_save: whether nodes may leave files here and read any; not for graphs that somebody brought.
        app: whether the graph is shown as inputs and outputs first, with the canvas one click away.
    """

    def __init__(
        self, bench: Bench, *, examples: Callable[[], Mapping[str, str]], may_save: bool, app: bool = False
    ) -> None:
        self.bench, self.may_save = bench, may_save
        self._examples, self._settings = examples, {"app": app, "may_save": may_save}
        self._jobs = Jobs()
        self._windows: OrderedDict[str, tuple[Memory, Image | None]] = OrderedDict()

    def component(self) -> gr.HTML:
        """The canvas on a page; the page's head needs the scripts of :func:`sampipe.pages.demo.bench.head`."""
        functions = (
            self.catalog, self.examples, self.read, self.files, self.start,
            self.follow, self.cancel, self.look, self.objects,
        )  # fmt: skip
        return gr.HTML(
            html_template='<div class="sp-graph"></div>',
            js_on_load=f"new sampipe.GraphCanvas(element, server, {json.dumps(self._settings)});",
            server_functions=[shared.answering(function) for function in functions],
            elem_id="graph",
            padding=False,
            apply_default_css=False,
        )

    # -- what the page's script asks -----------------------------------------------------------------------

    def catalog(self, data: Any) -> dict[str, Any]:
        """All node types; see :func:`sampipe.pages.demo.canvas.catalog.catalog`."""
        return catalog()

    def examples(self, data: Any) -> dict[str, Any]:
        """Graph files by name; the first one is shown."""
        return {"files": dict(self._examples())}

    def read(self, data: Any) -> dict[str, Any]:
        """A graph file for the canvas."""
        return {"graph": draft_of(_asked(data).text).model_dump()}

    def files(self, data: Any) -> dict[str, Any]:
        """What is wrong with the graph, by node, and the graph as YAML and as a Python program."""
        draft = _draft(data)
        complete = with_outputs(draft)
        if not self.may_save and (wrong := refused(draft)):  # what would open a file is not even made
            return {"problems": wrong, "yaml": text_of(complete), "python": "# This graph does not run on a page.\n"}
        wrong = problems(draft)
        try:
            program = as_python(graph_of(complete))
        except SampipeError as error:
            program = f"# This graph is no program yet: {shared.sentence(error).removeprefix('graph: ')}\n"
        return {"problems": wrong, "yaml": text_of(complete), "python": program}

    def start(self, data: Any) -> dict[str, Any]:
        """Run what is on the canvas, or some nodes of it; :meth:`follow` says what happens."""
        asked, draft = _asked(data), _draft(data)
        if not self.may_save:
            refuse(draft)
        image = self.bench.images.get(asked.key) if asked.key else None
        given = _given(draft, asked, image)
        if asked.only is not None:
            draft = draft.model_copy(update={"nodes": {n: one for n, one in draft.nodes.items() if n in asked.only}})
        memory = self._remember(asked.window, image)
        self._jobs.start(
            asked.window,
            lambda: CanvasRun(
                draft,
                given,
                memory,
                shown=lambda outputs, report: summary(outputs, report, image),
                device=self.bench.device,
            ),
        )
        return {}

    def follow(self, data: Any) -> dict[str, Any]:
        """What happened since; waits a moment for news."""
        asked = _asked(data)
        job = self._jobs.newest(asked.window)
        if not isinstance(job, CanvasRun):
            return {"events": [], "done": True, "stopped": True}
        events, done = job.events(asked.after, _WAIT), job.look()
        if done and job.count == asked.after + len(events):
            try:
                job.result()
            except shared.Cancelled:
                return {"events": events, "done": True, "stopped": True}
            return {"events": events, "done": True}
        return {"events": events, "done": False, "share": job.share, "waiting": shared.requests_waiting() - 1}

    def cancel(self, data: Any) -> dict[str, Any]:
        """Stop what runs in a window."""
        self._jobs.cancel(_asked(data).window)
        return {}

    def look(self, data: Any) -> dict[str, Any]:
        """The large image of what a node gave."""
        ran, image, port = self._ran(data)
        found = summary({port: ran.outputs.get(port)}, ran.report, image, LARGE)
        return dict(found["outputs"][0])

    def objects(self, data: Any) -> dict[str, Any]:
        """Masks that a node gave, as objects for the image of the page."""
        ran, image, port = self._ran(data)
        masks = ran.outputs.get(port)
        if image is None or not isinstance(masks, Masks) or masks.hw != image.hw:
            raise DataError(f"{port} holds no masks of the image on the page.")
        return {"key": image.key, "objects": objects_json(masks)}

    def _ran(self, data: Any) -> tuple[Ran, Image | None, str]:
        asked = _asked(data)
        memory, image = self._windows.get(asked.window, (Memory(), None))
        if asked.node not in memory.results:
            raise DataError(f"{asked.node} has no result any more; run it again.")
        return memory.results[asked.node], image, asked.port

    def _remember(self, window: str, image: Image | None) -> Memory:
        memory, _ = self._windows.pop(window, (Memory(), None))
        self._windows[window] = memory, image
        while len(self._windows) > _WINDOWS:
            self._windows.popitem(last=False)
        return memory


def _asked(data: Any) -> Asked:
    asked: Asked = read(Asked, data)
    return asked


def _draft(data: Any) -> GraphSpec:
    return _asked(data).graph or draft_of("")


def _given(draft: GraphSpec, asked: Asked, image: Image | None) -> dict[str, Given]:
    """What the page gives the graph's inputs, as far as it can."""
    found: dict[str, Given] = {}
    for name, word in draft.inputs.items():
        kind = word.removesuffix("?").strip()
        value = asked.values.get(name)
        if kind == "Image" and image is not None:
            found[name] = Given(image, image.key)
        elif kind == "Prompts" and image is not None and asked.prompts:
            marks = json.dumps([one.model_dump() for one in asked.prompts])
            found[name] = Given(prompts_of(asked.prompts, image, _MASK_SIZE), f"{image.key} {marks}")
        elif kind == "Text" and value:
            found[name] = Given(Text.of(str(value)), str(value))
        elif kind in _VALUES and value not in (None, ""):
            try:
                found[name] = Given(_VALUES[kind](value), repr(value))
            except ValueError as error:
                raise DataError(f"{name}: {value!r} is no {kind}.") from error
    return found
