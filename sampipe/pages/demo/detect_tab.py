"""Detect + segment: a detector's boxes become prompts."""

from __future__ import annotations

import html
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, cast

import gradio as gr

from sampipe.errors import DataError, SampipeError
from sampipe.graph import Graph, Node
from sampipe.graph.registry import detector, points
from sampipe.nodes import Segment, SelectCandidate
from sampipe.pages import shared
from sampipe.pages.demo.bench import Bench
from sampipe.pages.demo.canvas.safety import is_foreign_path
from sampipe.pages.demo.tab_runs import run_and_show
from sampipe.pages.shared.uploads import MODEL_SUFFIXES, model_files, uploaded_file

FIRST = "face"  # needs nothing but what sampipe brings
_ARGUMENTS = ("onnx", "yolox_nano", "ultralytics", "ultralytics_pose")  # those that want a model's name or file
_FROM_FILES = {"coco_boxes", "csv_boxes", "onnx_described"}  # what they read a page does not open


@dataclass(frozen=True)
class Choice:
    """A detector by its short name.

    Args:
        missing: what to do before it can run, or empty.
        takes_model: whether a model file, such as one that is uploaded, is all that it lacks.
    """

    name: str
    missing: str = ""
    takes_model: bool = False


@cache
def choices() -> tuple[Choice, ...]:
    """The detectors that are installed, and what each still needs; imports the modules of them all."""
    found = []
    for name in points("sampipe.detectors"):
        if name in _FROM_FILES:
            found.append(Choice(name, "reads a file of boxes or a description: sampipe segment --detector"))
            continue
        try:
            lacks = [one for one in detector(name).requirements() if not one.is_met()]
        except SampipeError as error:
            found.append(Choice(name, str(error)))
            continue
        takes_model = name in _ARGUMENTS and all(one.kind == "weights" for one in lacks)
        found.append(Choice(name, "; ".join(one.fix for one in lacks), takes_model))
    return tuple(found)


def ready() -> list[str]:
    """The names of those that can run as they are, the one that needs nothing first."""
    return sorted((one.name for one in choices() if not one.missing), key=lambda name: (name != FIRST, name))


def selectable() -> list[str]:
    """Those, and then the ones that a model file makes ready."""
    return [*ready(), *(one.name for one in choices() if one.missing and one.takes_model)]


def detect_tab(bench: Bench, tab: gr.Tab) -> None:
    """Choose a detector, a threshold and classes; which ones are ready is looked up when the tab is opened."""
    with gr.Row():
        name = gr.Dropdown([FIRST], value=FIRST, label="Detector", elem_id="detector")
        confidence = gr.Slider(0, 1, 0.3, step=0.01, label="Confidence", info="at least")
        classes = gr.Textbox(label="Classes", placeholder="all, or names with commas", max_lines=1)
    with gr.Row(elem_classes="sp-beside"):
        argument = gr.Dropdown(
            [], label="Model", info="of detectors that want one: a name, or a file beside the demo",
            allow_custom_value=True, elem_id="detector-model",
        )  # fmt: skip
        upload = gr.UploadButton(
            "Upload a model file", file_types=[*MODEL_SUFFIXES], elem_id="detector-upload", scale=0, min_width=190
        )
        names = gr.Textbox(
            label="Its classes", info="names in their order; COCO's if empty", max_lines=1, elem_id="detector-names"
        )
    with gr.Accordion("More detectors, when they have what they need", open=False):
        waiting = gr.HTML("", padding=False)
    with gr.Row():
        run = gr.Button("Detect and segment", variant="primary", elem_id="detect-run", scale=0, min_width=200)
        cancel = gr.Button("Cancel", elem_id="detect-cancel", scale=0, min_width=110)

    tab.select(
        lambda: (gr.Dropdown(choices=selectable()), gr.Dropdown(choices=model_files()), _not_ready()),
        None,
        [name, argument, waiting],
        show_progress="hidden",
    )
    upload.upload(shared.friendly(lambda path: str(uploaded_file(path))), upload, argument, show_progress="hidden")

    def graph_of(name: str, argument: str | None, confidence: float, classes: str, names: str) -> tuple[Graph, str]:
        given = (argument or "").strip()
        if is_foreign_path(given):
            raise DataError("A page opens no path of this machine; upload the model file, or start the demo beside it.")
        if not given and name not in ready():
            raise DataError(f"{name} has no model yet: upload a model file, or {_missing(name)}")
        spec = f"{name}:{given}" if given else name
        node = with_choice(detector(spec), confidence, _listed(classes), _listed(names))
        masks = Segment(model=bench.model, device=bench.device) | SelectCandidate()
        return node | masks, node.describe()

    run_and_show(
        bench, run=run, cancel=cancel, controls=[name, argument, confidence, classes, names], graph_of=graph_of
    )


def with_choice(node: Node, confidence: float, classes: list[str], names: list[str]) -> Node:
    """The detector with a threshold, the classes to keep and the names of all its classes, as far as it has them.

    Raises:
        DataError: classes, of a detector that has none to choose from; names, of one that knows its own.
    """
    mine = {field.name for field in fields(cast("Any", node))}
    if classes and "classes" not in mine:
        raise DataError(f"{type(node).__name__} finds one kind of thing only; leave the classes empty.")
    if names and "class_names" not in mine:
        raise DataError(f"{type(node).__name__} knows the names of its classes; leave “Its classes” empty.")
    chosen: dict[str, Any] = {"confidence": confidence} if "confidence" in mine else {}
    if names:
        chosen["class_names"] = names
    if classes:
        chosen["classes"] = classes
    return type(node)(**{**node.params(), **chosen})


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _missing(name: str) -> str:
    return next((one.missing for one in choices() if one.name == name), "choose another detector.")


def _not_ready() -> str:
    missing = [(one.name, one.missing) for one in choices() if one.missing]
    rows = [f"<li><b>{html.escape(name)}</b> <code>{html.escape(why)}</code></li>" for name, why in missing]
    return f'<ul class="sp-missing" aria-label="Not ready">{"".join(rows)}</ul>'
