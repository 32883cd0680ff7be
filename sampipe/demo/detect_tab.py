"""Detect + segment: a detector's boxes become prompts."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, cast

import gradio as gr

from sampipe.demo.bench import Bench
from sampipe.demo.ways import run_and_show
from sampipe.errors import DataError, SampipeError
from sampipe.graph import Graph, Node
from sampipe.graph.registry import detector, points
from sampipe.nodes import Segment, SelectCandidate

_FIRST = "face"  # needs nothing but what sampipe brings
_ARGUMENTS = {"onnx": "a YOLOX file", "yolox_nano": "a YOLOX-Nano file", "ultralytics": "yolo11n.pt, or a file"}


@dataclass(frozen=True)
class Choice:
    """A detector by its short name; ``missing`` says what to do before it can run, or is empty."""

    name: str
    missing: str = ""


def choices() -> Iterator[Choice]:
    """The detectors that are installed, and what each still needs; nothing heavy is loaded."""
    for name in points("sampipe.detectors"):
        try:
            node = detector(name)
        except SampipeError as error:
            needs_file = name in _ARGUMENTS and not isinstance(error, ImportError)
            yield Choice(name, "" if needs_file else str(error))
            continue
        yield Choice(name, "; ".join(one.fix for one in node.requirements() if not one.is_met()))


def detect_tab(bench: Bench) -> None:
    """Choose a detector, a threshold and classes."""
    known = list(choices())
    ready = sorted((one.name for one in known if not one.missing), key=lambda name: (name != _FIRST, name))
    with gr.Row():
        name = gr.Dropdown(ready, value=ready[0] if ready else None, label="Detector", elem_id="detector")
        argument = gr.Textbox(label="Model or file", placeholder="of detectors that want one", max_lines=1)
        confidence = gr.Slider(0, 1, 0.3, step=0.01, label="Confidence", info="at least")
        classes = gr.Textbox(label="Classes", placeholder="all, or names with commas", max_lines=1)
    missing = [one for one in known if one.missing]
    if missing:
        with gr.Accordion(f"{len(missing)} more detectors, when they have what they need", open=False):
            gr.HTML(_not_ready(missing), padding=False)
    with gr.Row():
        run = gr.Button("Detect and segment", variant="primary", elem_id="detect-run", scale=0, min_width=200)
        cancel = gr.Button("Cancel", elem_id="detect-cancel", scale=0, min_width=110)

    def graph_of(name: str | None, argument: str, confidence: float, classes: str) -> tuple[Graph, str]:
        if not name:
            raise DataError("No detector is ready; the list below says what each one needs.")
        spec = f"{name}:{argument.strip()}" if argument.strip() else name
        node = with_choice(detector(spec), confidence, [one.strip() for one in classes.split(",") if one.strip()])
        masks = Segment(model=bench.model, device=bench.device) | SelectCandidate()
        return node | masks, node.describe()

    run_and_show(bench, run=run, cancel=cancel, controls=[name, argument, confidence, classes], graph_of=graph_of)


def with_choice(node: Node, confidence: float, classes: list[str]) -> Node:
    """The detector with a threshold and classes, as far as it has such parameters.

    Raises:
        DataError: classes, of a detector that has none to choose from.
    """
    mine = {field.name for field in fields(cast("Any", node))}
    if classes and "classes" not in mine:
        raise DataError(f"{type(node).__name__} finds one kind of thing only; leave the classes empty.")
    chosen: dict[str, Any] = {"confidence": confidence} if "confidence" in mine else {}
    if classes:
        chosen["classes"] = classes
    return type(node)(**{**node.params(), **chosen})


def _not_ready(waiting: list[Choice]) -> str:
    rows = [f"<li><b>{html.escape(one.name)}</b> <code>{html.escape(one.missing)}</code></li>" for one in waiting]
    return f'<ul class="sp-missing" aria-label="Not ready">{"".join(rows)}</ul>'
