"""The widgets of a draft: what feeds each input, each parameter, what comes out, what the graph itself is given."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import gradio as gr

from sampipe.demo.draft import fitting, node_params, set_outputs, set_params, set_wire
from sampipe.demo.params import Param, changed, params_of, value_of, widget
from sampipe.errors import SampipeError
from sampipe.graph.ports import ports_of
from sampipe.graph.registry import find
from sampipe.graph.spec import GraphSpec, NodeSpec

NOTHING = "nothing"
_VALUES = ("str", "int", "float", "bool", "Text")


@dataclass(frozen=True)
class Shown:
    """A widget and what its value does to the draft.

    Args:
        component: the widget.
        apply: the draft with the value in it.
        given: the graph's input that it is the value of, if it is one.
        rebuilds: whether a change of it changes which widgets there are.
    """

    component: Any
    apply: Callable[[GraphSpec, Any], GraphSpec]
    given: str | None = None
    rebuilds: bool = False


def merged(draft: GraphSpec, shown: Sequence[Shown], values: Sequence[Any]) -> GraphSpec:
    """The draft with what stands in the widgets."""
    return reduce(lambda now, pair: pair[0].apply(now, pair[1]), zip(shown, values, strict=True), draft)


def node_widgets(draft: GraphSpec, name: str) -> list[Shown]:
    """A node's wires and parameters; called inside the node's own part of the page."""
    one = draft.nodes[name]
    try:
        cls = find(one.type)
    except SampipeError as error:
        gr.HTML(f'<p class="sp-error">{html.escape(str(error))}</p>', padding=False)
        return []
    gr.HTML(f'<p class="sp-note">{html.escape(_first_line(cls))}</p>', padding=False)
    wires = [_wire(draft, name, port) for port in ports_of(cls).inputs]
    with gr.Row():
        params = [*_params(one, name, params_of(cls))]
    return [*wires, *params]


def output_widget(draft: GraphSpec) -> Shown:
    """Which outputs of the nodes are outputs of the graph."""
    offered = []
    for name, one in draft.nodes.items():
        try:
            offered += [f"{name}.{port}" for port in ports_of(find(one.type)).outputs]
        except SampipeError:  # its own part of the page says why
            continue
    chosen = [source for source in draft.outputs.values() if source in offered]
    box = gr.Dropdown(
        offered, value=chosen, multiselect=True, label="What comes out", elem_id="graph-outputs", interactive=True
    )
    return Shown(box, set_outputs)


def input_widgets(draft: GraphSpec) -> Iterator[Shown]:
    """The graph's free inputs: words and numbers get widgets, picture and prompts come from the bench."""
    for name, word in draft.inputs.items():
        kind = word.removesuffix("?")
        if kind in _VALUES:
            yield Shown(_value_widget(name, kind), _same, given=name)
    bench = [f"{name} ({word})" for name, word in draft.inputs.items() if word.removesuffix("?") not in _VALUES]
    if bench:
        gr.HTML(f'<p class="sp-note">From the picture below: {html.escape(", ".join(bench))}.</p>', padding=False)


def _value_widget(name: str, kind: str) -> Any:
    if kind == "bool":
        return gr.Checkbox(label=name, interactive=True)
    if kind in ("int", "float"):
        return gr.Number(label=name, precision=0 if kind == "int" else None, interactive=True)
    hint = "words, with commas between them" if kind == "Text" else ""
    return gr.Textbox(label=name, placeholder=hint, interactive=True)


def _wire(draft: GraphSpec, name: str, port: str) -> Shown:
    wanted = ports_of(find(draft.nodes[name].type)).inputs[port]
    offered, now = fitting(draft, name, port), draft.nodes[name].inputs.get(port, NOTHING)
    choices = [NOTHING, *offered] if not wanted.required or now == NOTHING else offered
    box = gr.Dropdown(
        choices if now in choices else [now, *choices],
        value=now,
        label=f"{port} comes from",
        elem_id=f"wire-{name}-{port}",
        interactive=True,
    )
    return Shown(
        box, lambda given, value: set_wire(given, name, port, None if value == NOTHING else value), rebuilds=True
    )


def _params(one: NodeSpec, name: str, params: tuple[Param, ...]) -> Iterator[Shown]:
    for param in params:
        value = one.params.get(param.name, param.default)
        component = widget(param, value)
        component.elem_id = f"param-{name}-{param.name}"
        yield Shown(component, _setter(name, param, params))


def _setter(name: str, param: Param, params: tuple[Param, ...]) -> Callable[[GraphSpec, Any], GraphSpec]:
    def apply(draft: GraphSpec, shown: Any) -> GraphSpec:
        values = {one.name: node_params(draft, name).get(one.name, one.plain_default) for one in params}
        return set_params(draft, name, changed(params, {**values, param.name: value_of(param, shown)}))

    return apply


def _same(draft: GraphSpec, value: Any) -> GraphSpec:
    return draft


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0].replace("`", "")
