"""Graph: a graph on a page. It is drawn, its inputs and parameters are widgets, its nodes show what they did.

The YAML text is the state. Every handler gets it with the values of all widgets, so nothing that was typed is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from sampipe import web
from sampipe.demo.as_python import as_python
from sampipe.demo.draft import add_node, draft_of, graph_of, remove_node, text_of, troubles
from sampipe.demo.graph_runs import Runner, drawing_html, trouble_html
from sampipe.demo.graph_widgets import Shown, input_widgets, merged, node_widgets, output_widget
from sampipe.demo.ways import ASK, SHOW, note
from sampipe.errors import SampipeError
from sampipe.graph.registry import node_types
from sampipe.graph.spec import GraphSpec

Change = Callable[[GraphSpec, Any], GraphSpec]


def graph_tab(runner: Runner, start: str, *, examples: Mapping[str, str]) -> gr.HTML:
    """The whole tab; returns the place of the results, to be rendered below the bench.

    Args:
        runner: runs graphs.
        start: the YAML text to begin with.
        examples: others to choose from, by name; for none, the page is about one graph.
    """
    text = gr.State(start)
    if examples:
        _choose(text, examples)
    drawing, trouble, yaml, python = _first_views(start)
    status = gr.HTML("", elem_id="graph-status", padding=False, render=False)
    results = gr.HTML("", elem_id="graph-results", padding=False, render=False)
    request, found = gr.Textbox(visible="hidden", label="request"), gr.Textbox(visible="hidden", label="found")

    drawing.render()
    trouble.render()

    @gr.render(inputs=[text])
    def widgets(current: str) -> None:
        try:
            draft = draft_of(current)
        except SampipeError:  # said above
            return
        shown, actions = _shown(draft, editable=bool(examples))
        everything = [one.component for one in shown]
        with gr.Row():
            run = gr.Button("Run", variant="primary", elem_id="graph-run", scale=0, min_width=140)
            check = gr.Button("Check", elem_id="graph-check", scale=0, min_width=100)
            cancel = gr.Button("Cancel", elem_id="graph-cancel", scale=0, min_width=100)
        run.click(
            runner.handler(shown),
            [request, text, *everything],
            [status, results, drawing, found],
            js=ASK,
            show_progress="hidden",
        ).success(None, [found], None, js=SHOW)
        cancel.click(runner.cancel, queue=False, show_progress="hidden")
        check.click(
            _checking(shown), [text, *everything], [drawing, trouble, yaml, python, status], show_progress="hidden"
        )
        for listen, change, own in actions:
            listen(_changing(shown, change, own), [text, *own, *everything], text, show_progress="hidden")

    status.render()
    with gr.Accordion("As a file", open=False):
        with gr.Row():
            yaml.render()
            python.render()
        use = gr.Button("Use the YAML above", size="sm", elem_id="graph-use")
        use.click(lambda one: one, yaml, text, show_progress="hidden")
    text.change(_views, [text], [drawing, trouble, yaml, python], show_progress="hidden")
    return results


def _choose(text: gr.State, examples: Mapping[str, str]) -> None:
    with gr.Row(elem_classes="sp-beside"):
        example = gr.Dropdown(
            [*examples], value=next(iter(examples)), label="Start from", elem_id="graph-example", min_width=240
        )
        upload = gr.UploadButton(
            "Open a graph file", file_types=[".yaml", ".yml"], elem_id="graph-upload", scale=0, min_width=190
        )
    example.input(lambda name: examples[name], example, text, show_progress="hidden")
    upload.upload(web.friendly(web.read_text_upload), upload, text, show_progress="hidden")


def _first_views(start: str) -> tuple[gr.HTML, gr.HTML, gr.Code, gr.Code]:
    drawing, trouble, yaml, python = _views(start)
    return (
        gr.HTML(drawing, elem_id="graph-drawing", padding=False, render=False),
        gr.HTML(trouble, elem_id="graph-trouble", padding=False, render=False),
        gr.Code(yaml, language="yaml", label="graph.yaml", elem_id="graph-yaml", lines=8, render=False),
        gr.Code(
            python,
            language="python",
            label="graph.py",
            interactive=False,
            elem_id="graph-python",
            lines=8,
            render=False,
        ),
    )


def _shown(draft: GraphSpec, *, editable: bool) -> tuple[list[Shown], list[tuple[Any, Change | None, list[Any]]]]:
    """All widgets, and what changes the structure: what to listen to, the change, and its own inputs."""
    shown: list[Shown] = []
    actions: list[tuple[Any, Change | None, list[Any]]] = []
    wrong = troubles(draft)
    for name, one in draft.nodes.items():
        mark = " ⚠" if name in wrong else ""
        with gr.Accordion(f"{name} · {one.type}{mark}", open=bool(mark), elem_id=f"node-{name}"):
            if mark:
                gr.HTML(trouble_html({name: wrong[name]}), padding=False)
            shown += node_widgets(draft, name)
            if editable:
                remove = gr.Button("Remove", size="sm", elem_id=f"remove-{name}")
                actions.append((remove.click, _removing(name), []))
    actions += [(one.component.input, None, []) for one in shown if one.rebuilds]
    if draft.nodes:
        shown.append(output_widget(draft))
    shown += input_widgets(draft)
    if editable:
        with gr.Row(elem_classes="sp-beside"):
            kind = gr.Dropdown(
                sorted(node_types()), value=None, label="Another node", elem_id="graph-add-type", interactive=True
            )
            add = gr.Button("Add it", elem_id="graph-add", scale=0, min_width=110)
        actions.append((add.click, lambda given, type_id: add_node(given, type_id) if type_id else given, [kind]))
    return shown, actions


def _removing(name: str) -> Change:
    return lambda draft, _: remove_node(draft, name)


def _changing(shown: Sequence[Shown], change: Change | None, own: Sequence[Any]) -> Callable[..., str]:
    """The text after a change, with what stands in the widgets."""

    @web.friendly
    def changed(text: str, *values: Any) -> str:
        mine, rest = values[: len(own)], values[len(own) :]
        draft = merged(draft_of(text), shown, rest)
        return text_of(draft if change is None else change(draft, mine[0] if mine else None))

    return changed


def _checking(shown: Sequence[Shown]) -> Callable[..., tuple[str, ...]]:
    @web.friendly
    def checked(text: str, *values: Any) -> tuple[str, ...]:
        now = text_of(merged(draft_of(text), shown, values))
        views = _views(now)
        return (*views, "" if views[1] else note("Nothing is missing: the graph can run here."))

    return checked


def _views(text: str) -> tuple[str, str, str, str]:
    """Drawing, what is wrong, YAML and Python of a text."""
    try:
        draft = draft_of(text)
    except SampipeError as error:
        return "", trouble_html({None: str(error)}), text, ""
    wrong = troubles(draft) if draft.nodes else {}
    try:
        graph = graph_of(draft)
    except SampipeError:  # said by node
        return "", trouble_html(wrong), text, ""
    failed = next((name for name in wrong if name), None)
    try:
        program = as_python(graph)
    except SampipeError as error:
        program = f"# {error}\n"
    return drawing_html(graph, failed), trouble_html(wrong), text_of(draft), program
