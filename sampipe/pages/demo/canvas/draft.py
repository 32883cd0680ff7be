"""A graph while it is being put together: the contents of its file, which need not fit yet."""

from __future__ import annotations

from typing import Any

from sampipe.errors import SampipeError
from sampipe.graph import Graph
from sampipe.graph.names import numbered
from sampipe.graph.ports import ports_of
from sampipe.graph.registry import find
from sampipe.graph.spec import GraphSpec, build, make_node, read
from sampipe.graph.yaml_text import write

EMPTY = GraphSpec(sampipe=1, nodes={}, outputs={})


def draft_of(text: str) -> GraphSpec:
    """The draft that a YAML text holds; nothing is looked up yet.

    Raises:
        SpecError: it has another form.
    """
    return read(text, "graph") if text.strip() else EMPTY


def text_of(draft: GraphSpec) -> str:
    """The draft as YAML, with its layout."""
    nodes = {name: one.model_dump(exclude_defaults=True) for name, one in draft.nodes.items()}
    data: dict[str, Any] = {"sampipe": 1, "inputs": draft.inputs, "nodes": nodes, "outputs": draft.outputs}
    if draft.layout:
        data["layout"] = draft.layout
    return write(data)


def with_outputs(draft: GraphSpec) -> GraphSpec:
    """The draft; one that names no outputs gets all those that lead nowhere."""
    if draft.outputs:
        return draft
    used = {source for one in draft.nodes.values() for source in one.inputs.values()}
    outputs: dict[str, str] = {}
    for name, one in draft.nodes.items():
        try:
            ports = ports_of(find(one.type)).outputs
        except SampipeError:  # an unknown node: said where it stands
            continue
        for port in ports:
            if f"{name}.{port}" not in used:
                outputs[numbered(port, outputs)] = f"{name}.{port}"
    return draft.model_copy(update={"outputs": outputs})


def graph_of(draft: GraphSpec) -> Graph:
    """The graph, checked.

    Raises:
        SpecError, GraphError: why it is none yet.
    """
    return build(draft, "graph")


def problems(draft: GraphSpec) -> dict[str, str]:
    """What is wrong, by node; under "" what concerns the whole."""
    found: dict[str, str] = {}
    for name, one in draft.nodes.items():
        try:
            node = make_node(name, one, "graph")
        except SampipeError as error:
            found[name] = _plain(error)
            continue
        missing = [port for port, wanted in node.ports.inputs.items() if wanted.required and port not in one.inputs]
        if missing:
            found[name] = f"Nothing feeds {', '.join(missing)} yet."
    if not found and draft.nodes:
        try:
            report = graph_of(with_outputs(draft)).check()
        except SampipeError as error:
            return {_node_named(draft, str(error)): _plain(error)}
        found = {problem.node or "": f"{problem.message} {problem.fix}".strip() for problem in report.problems}
    return found


def _node_named(draft: GraphSpec, message: str) -> str:
    return next((name for name in draft.nodes if f"'{name}'" in message), "")


def _plain(error: SampipeError) -> str:
    return str(error).removeprefix("graph: ")
