"""What the tabs have in common: a graph from the picture to masks, run on the bench, with progress and cancel."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from sampipe import web
from sampipe.demo.bench import Bench
from sampipe.demo.jobs import Cancelled, Job, Jobs, progress_html
from sampipe.demo.wire import objects_json, read
from sampipe.graph import Graph
from sampipe.graph.result import Result
from sampipe.types import Masks

# Whatever the bench has is read when a button is pressed, and shown when the answer is there.
ASK = "(request, ...rest) => [JSON.stringify(sampipe.bench.request()), ...rest]"
SHOW = "(found) => { if (found) sampipe.bench.show(JSON.parse(found)); }"


def run_and_show(
    bench: Bench,
    *,
    run: gr.Button,
    cancel: gr.Button,
    controls: Sequence[gr.components.Component],
    graph_of: Callable[..., tuple[Graph, str]],
) -> None:
    """Wire two buttons: ``run`` runs the graph on the bench's picture and shows its masks, ``cancel`` stops it.

    Args:
        controls: what ``graph_of`` is called with.
        graph_of: gives a graph with the input ``image`` and the output ``masks``, and a word about it.
    """
    jobs = Jobs()
    request = gr.Textbox(visible="hidden", label="request")
    found = gr.Textbox(visible="hidden", label="found")
    status = gr.HTML("", padding=False)

    def stream(window: gr.Request, asked: str, *values: Any) -> Iterator[tuple[str, Any]]:
        try:
            yield from run_it(window, asked, *values)
        except Cancelled:
            yield note("Stopped; nothing was changed."), ""
        except Exception as error:  # every failure becomes a sentence in the page
            yield error_html(web.noted(error)), ""

    def run_it(window: gr.Request, asked: str, *values: Any) -> Iterator[tuple[str, Any]]:
        image = bench.images.get(read(dict[str, Any], json.loads(asked)).get("key"))
        yield progress_html(None), ""
        graph, how = graph_of(*values)
        job = jobs.start(str(window.session_hash), lambda: Job(graph, {"image": image}, device=bench.device))
        for share in job.follow():
            yield progress_html(share), gr.skip()
        result = job.result()
        told = summary(result, how)
        answer = {"key": image.key, "objects": objects_json(result.masks)}
        yield note(told), json.dumps(answer, allow_nan=False)

    def stop(window: gr.Request) -> None:
        jobs.cancel(str(window.session_hash))

    run.click(stream, [request, *controls], [status, found], js=ASK, show_progress="hidden").success(
        None, [found], None, js=SHOW
    )
    cancel.click(stop, queue=False, show_progress="hidden")


def summary(result: Result, how: str) -> str:
    """What a run gave, in one line."""
    masks: Masks = result.masks
    hits = sum(one.cache_hits for one in result.report.values())
    encoded = "the picture was encoded before" if hits else "the picture was encoded now"
    objects = f"{len(masks)} object{'' if len(masks) == 1 else 's'}"
    return f"{objects} in {result.report.seconds:.1f} s ({how}; {encoded})."


def error_html(text: str) -> str:
    """What went wrong, as a line of HTML."""
    return f'<p class="sp-error" role="alert">{html.escape(text)}</p>'


def note(text: str) -> str:
    """A quiet line of HTML."""
    return f'<p class="sp-note">{html.escape(text)}</p>'
