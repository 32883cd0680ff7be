"""Running a graph from its page."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from sampipe import web
from sampipe.demo.bench import Bench
from sampipe.demo.draft import draft_of, graph_of, troubles
from sampipe.demo.graph_widgets import Shown, merged
from sampipe.demo.jobs import Cancelled, Job, Jobs, progress_html
from sampipe.demo.results import cards, failure, with_all_outputs
from sampipe.demo.ways import error_html, note
from sampipe.demo.wire import MarkedObject, objects_json, prompts_of, read
from sampipe.errors import DataError, NodeError
from sampipe.graph import Graph
from sampipe.graph.ports import type_name
from sampipe.types import Image, Masks, Prompts, Text

_MASK_SIZE = 256


class Runner:
    """Runs the graphs of one page.

    Args:
        bench: where pictures and marks come from.
        may_save: whether nodes may leave files on this machine; not for graphs that somebody brought.
    """

    def __init__(self, bench: Bench, *, may_save: bool) -> None:
        self.bench = bench
        self.may_save = may_save
        self._jobs = Jobs()

    def cancel(self, window: gr.Request) -> None:
        """Stop what runs in a window."""
        self._jobs.cancel(str(window.session_hash))

    def handler(self, shown: Sequence[Shown]) -> Callable[..., Iterator[tuple[Any, ...]]]:
        """What the Run button does: gives status, cards, drawing and masks for the bench."""

        def run(window: gr.Request, asked: str, text: str, *values: Any) -> Iterator[tuple[Any, ...]]:
            try:
                yield from run_it(window, asked, text, *values)
            except Cancelled:
                yield note("Stopped."), gr.skip(), gr.skip(), ""
            except Exception as error:  # every failure becomes a sentence in the page
                yield error_html(web.noted(error)), "", gr.skip(), ""

        def run_it(window: gr.Request, asked: str, text: str, *values: Any) -> Iterator[tuple[Any, ...]]:
            draft = merged(draft_of(text), shown, values)
            wrong = troubles(draft)
            if wrong:
                name, why = next(iter(wrong.items()))
                drawn = _or_none(draft)
                yield _error(name, why), "", gr.skip() if drawn is None else drawing_html(drawn, name), ""
                return
            graph = graph_of(draft)
            if not self.may_save:
                refuse_savers(graph)
            words = {one.given: value for one, value in zip(shown, values, strict=True) if one.given is not None}
            inputs = self._inputs(graph, read(dict[str, Any], json.loads(asked)), words)
            yield from self._run(graph, inputs, str(window.session_hash))

        return run

    def _run(self, graph: Graph, inputs: Mapping[str, Any], window: str) -> Iterator[tuple[Any, ...]]:
        picture = next((value for value in inputs.values() if isinstance(value, Image)), None)
        looked_into = with_all_outputs(graph)
        yield progress_html(None), "", drawing_html(graph, None), ""
        job = self._jobs.start(window, lambda: Job(looked_into, inputs, device=self.bench.device))
        for share in job.follow():
            yield progress_html(share), gr.skip(), gr.skip(), gr.skip()
        try:
            result = job.result()
        except NodeError as error:
            why = web.sentence(error.__cause__ or error)
            yield _error(error.node, why), failure(graph, error.node, why), drawing_html(graph, error.node), ""
        else:
            told = f"Done in {result.report.seconds:.2f} s; {len(result.report)} nodes ran."
            masks = [value for value in (result[name] for name in graph.outputs) if isinstance(value, Masks)]
            found = ""
            if picture is not None and masks and masks[-1].hw == picture.hw:
                answer = {"key": picture.key, "objects": objects_json(masks[-1])}
                found = json.dumps(answer, allow_nan=False)
            yield note(told), cards(graph, result, picture), drawing_html(graph, None), found

    def _inputs(self, graph: Graph, asked: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
        """What the graph is given: the bench's picture and marks, and the widgets' values."""
        inputs: dict[str, Any] = {}
        for name, port in graph.inputs.items():
            if port.type is Image:
                inputs[name] = self.bench.images.get(asked.get("key"))
            elif port.type is Prompts:
                marked = read(list[MarkedObject], asked.get("prompts"))
                if not marked and port.required:
                    raise DataError(f"{name}: mark something on the picture first; the graph takes it as prompts.")
                image = self.bench.images.get(asked.get("key"))
                inputs[name] = prompts_of(marked, image, _MASK_SIZE)
            elif name in words:
                value = words[name]
                if value not in (None, ""):
                    inputs[name] = Text.of(value) if port.type is Text else value
            elif port.required:
                raise DataError(f"{name}: a page cannot give {type_name(port.type)}; run the graph from Python.")
        return inputs


def refuse_savers(graph: Graph) -> None:
    """A graph that somebody brought leaves nothing on this machine.

    Raises:
        DataError: it would.
    """
    for name in graph.savers:
        raise DataError(
            f"{name}: {type(graph.nodes[name]).__name__} leaves files on this machine, which a page does not do for a "
            "graph that was brought to it; remove the node here, or use `sampipe run`."
        )


def drawing_html(graph: Graph, failed: str | None) -> str:
    """The drawing, with the node that failed marked."""
    mark = f'<style>#graph-drawing [data-node="{failed}"] rect {{ stroke: #c2261c; stroke-width: 3; }}</style>'
    return f'<div class="sp-drawing">{graph.svg()}</div>{mark if failed else ""}'


def trouble_html(wrong: Mapping[str | None, str]) -> str:
    """What is wrong with a graph, by node."""
    rows = "".join(_trouble(name or "", why) for name, why in wrong.items())
    return f'<ul class="sp-trouble-list" role="alert">{rows}</ul>' if rows else ""


def _trouble(name: str, why: str) -> str:
    whose = f"<b>{html.escape(name)}</b> " if name else ""
    return f'<li data-node="{html.escape(name)}">{whose}{html.escape(why)}</li>'


def _error(name: str | None, why: str) -> str:
    return error_html(f"{name}: {why}" if name else why)


def _or_none(draft: Any) -> Graph | None:
    try:
        return graph_of(draft)
    except (DataError, ValueError):  # not a graph yet; the message says why
        return None
