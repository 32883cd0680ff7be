"""What each node of a run gave, as cards of a page."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from sampipe.demo.bench import shown
from sampipe.graph import Graph
from sampipe.graph.result import NodeReport, Result
from sampipe.graph.wiring import Source
from sampipe.nodes import Annotate
from sampipe.types import RLE, EdgeMap, Image, ImageEmbedding, Masks, Prompts

_SIDE = 560  # pixels of a card's picture
SEPARATOR = "__"


def with_all_outputs(graph: Graph) -> Graph:
    """The same graph, with every output of every node that runs as ``node__port``."""
    every = {f"{step.name}{SEPARATOR}{port}": Source(step.name, port) for step in graph.steps for port in step.outputs}
    return Graph(graph.inputs, graph.nodes, graph.wires, {**graph.outputs, **every})


def cards(graph: Graph, result: Result, picture: Image | None) -> str:
    """A card for each node, in the order in which they ran."""
    return f'<div class="sp-cards">{"".join(_card(graph, name, result, picture) for name in result.report)}</div>'


def failure(graph: Graph, name: str, message: str) -> str:
    """The card of the node that failed."""
    kind = html.escape(type(graph.nodes[name]).__name__) if name in graph.nodes else ""
    return (
        f'<div class="sp-cards"><section class="sp-card is-failed" data-node="{html.escape(name)}">'
        f"<h4>{html.escape(name)} <span>{kind}</span></h4><p>{html.escape(message)}</p></section></div>"
    )


def _card(graph: Graph, name: str, result: Result, picture: Image | None) -> str:
    outputs = {port: result.outputs[f"{name}{SEPARATOR}{port}"] for port in graph.nodes[name].ports.outputs}
    body = "".join(_output(port, value, picture) for port, value in outputs.items())
    return (
        f'<section class="sp-card" data-node="{html.escape(name)}"><h4>{html.escape(name)} '
        f"<span>{html.escape(type(graph.nodes[name]).__name__)}</span></h4>"
        f'<p class="sp-note">{_figures(result.report[name])}</p>{body}</section>'
    )


def _figures(report: NodeReport) -> str:
    hits = f"{report.cache_hits} cache hit{'' if report.cache_hits == 1 else 's'}"
    return " · ".join([f"{report.seconds:.3f} s", hits, *([report.device] if report.device else [])])


def _output(port: str, value: Any, picture: Image | None) -> str:
    seen = _picture(value, picture)
    image = f'<img src="{shown(seen, _SIDE)}" alt="{html.escape(port)}">' if seen is not None else ""
    return f"<p><b>{html.escape(port)}</b> {html.escape(_words(value))}</p>{image}"


def _words(value: Any) -> str:
    if isinstance(value, (Masks, Prompts)):
        prompts = value.prompts if isinstance(value, Masks) else value
        labels = [label for label in dict.fromkeys(prompts.labels or ()) if label]
        named = f": {', '.join(labels[:8])}{' …' if len(labels) > 8 else ''}" if labels else ""
        return f"{len(value)} object{'' if len(value) == 1 else 's'}{named}"
    if isinstance(value, ImageEmbedding):
        return f"{tuple(value.features.shape)} numbers"
    words = repr(value)
    return words if len(words) <= 160 else f"{words[:157]}..."


def _picture(value: Any, picture: Image | None) -> Image | None:
    if isinstance(value, Image):
        return value
    if isinstance(value, EdgeMap):
        return Image.from_array((np.clip(value.strength, 0, 1) * 255).astype(np.uint8), color="gray")
    if picture is None:
        return None
    if isinstance(value, Masks) and value.hw == picture.hw:
        return Annotate().run(picture, value)
    if isinstance(value, Prompts):
        return _drawn(value, picture)
    return None


def _drawn(prompts: Prompts, picture: Image) -> Image:
    """Boxes and points as the outlines and discs that they are, drawn like masks."""
    height, width = picture.hw
    ys, xs = np.mgrid[:height, :width]
    line = max(2, round(max(picture.hw) / 250))
    marks = []
    for i in range(len(prompts)):
        mark = np.zeros(picture.hw, bool)
        if prompts.boxes is not None and prompts.has_boxes[i]:
            x0, y0, x1, y1 = (int(side) for side in prompts.boxes[i])
            mark[max(y0, 0) : y1, max(x0, 0) : x1] = True
            mark[max(y0 + line, 0) : max(y1 - line, 0), max(x0 + line, 0) : max(x1 - line, 0)] = False
        if prompts.points is not None and prompts.point_labels is not None:
            for x, y in prompts.points[i, prompts.point_labels[i] >= 0]:
                mark |= (xs - x) ** 2 + (ys - y) ** 2 <= (2.5 * line) ** 2
        marks.append(RLE.from_mask(mark))
    if not marks:
        return picture
    return Annotate(opacity=0.9).run(picture, Masks.from_rle(marks, picture.hw, prompts))
