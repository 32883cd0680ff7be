"""What the tabs have in common: a graph from the image to masks, run on the bench, with progress and cancel."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from sampipe.graph import Graph
from sampipe.graph.result import Result
from sampipe.pages import shared
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.jobs import GraphJob, progress_html
from sampipe.pages.demo.wire import objects_json, read
from sampipe.types import Masks

# Whatever the bench has is read when a button is pressed, and shown when the answer is there.
ASK = "(request, ...rest) => [JSON.stringify(sampipe.bench.request()), ...rest]"
SHOW = "(found) => { if (found) { const { origin, ...rest } = JSON.parse(found); sampipe.bench.add(rest, origin); } }"


def run_and_show(
    bench: Bench,
    *,
    run: gr.Button,
    cancel: gr.Button,
    controls: Sequence[gr.components.Component],
    graph_of: Callable[..., tuple[Graph, str]],
    enter: gr.Textbox | None = None,
) -> None:
    """Wire two buttons: ``run`` runs the graph on the bench's image and adds its masks, ``cancel`` stops it.

    Args:
        controls: what ``graph_of`` is called with.
        graph_of: gives a graph with the input ``image`` and the output ``masks``, and a word about it.
        enter: a field in which Enter runs, too.
    """
    request = gr.Textbox(visible="hidden", label="request")
    found = gr.Textbox(visible="hidden", label="found")
    status = gr.HTML("", padding=False)

    def stream(window: gr.Request, asked: str, *values: Any) -> Iterator[tuple[str, Any]]:
        try:
            yield from run_it(window, asked, *values)
        except shared.Cancelled:
            yield note("Stopped; nothing was changed."), ""
        except Exception as error:  # every failure becomes a sentence in the page
            yield error_html(shared.noted(error)), ""

    def run_it(window: gr.Request, asked: str, *values: Any) -> Iterator[tuple[str, Any]]:
        image = bench.images.get(read(dict[str, Any], json.loads(asked)).get("key"))
        yield progress_html(None), ""
        graph, how = graph_of(*values)
        job = bench.jobs.start(str(window.session_hash), lambda: GraphJob(graph, {"image": image}, device=bench.device))
        for share in job.follow():
            yield progress_html(share), gr.skip()
        result = job.result()
        told = summary(result, how)
        answer = {"key": image.key, "objects": objects_json(result.masks), "origin": run.elem_id}
        yield note(told), json.dumps(answer, allow_nan=False)

    for listen in [run.click] if enter is None else [run.click, enter.submit]:
        listen(stream, [request, *controls], [status, found], js=ASK, show_progress="hidden").success(
            None, [found], None, js=SHOW
        )
    for control in controls:  # what was said of a run with other settings is not left standing
        control.change(  # type: ignore[attr-defined]  # made by gradio at run time
            None,
            None,
            status,
            js="() => ''",  # in the page: over a server it could wipe what came later
        )
    cancel.click(bench.stop, queue=False, show_progress="hidden")


def summary(result: Result, how: str) -> str:
    """What a run gave, in one line."""
    masks: Masks = result.masks
    hits = sum(one.cache_hits for one in result.report.values())
    encoded = "the image was encoded before" if hits else "the image was encoded now"
    objects = f"{len(masks)} object{'' if len(masks) == 1 else 's'}"
    return f"{objects} in {result.report.seconds:.1f} s ({how}; {encoded})."


def error_html(text: str) -> str:
    """What went wrong, as a line of HTML."""
    return f'<p class="sp-error" role="alert">{html.escape(text)}</p>'


def note(text: str) -> str:
    """A quiet line of HTML."""
    return f'<p class="sp-note">{html.escape(text)}</p>'
