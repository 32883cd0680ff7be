"""A graph while it is being put together: the contents of its file, which need not fit yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampipe.errors import DataError, SampipeError
from sampipe.graph import Graph
from sampipe.graph.names import numbered, snake_case
from sampipe.graph.node import required_params
from sampipe.graph.ports import Port, fits, ports_of, type_name
from sampipe.graph.registry import find
from sampipe.graph.spec import GraphSpec, NodeSpec, build, make_node, read
from sampipe.graph.yaml_text import write

EMPTY = GraphSpec(sampipe=1, nodes={}, outputs={})


def draft_of(text: str) -> GraphSpec:
    """The draft that a YAML text holds; nothing is looked up yet.

    Raises:
        SpecError: it has another form.
    """
    return read(text, "graph") if text.strip() else EMPTY


def text_of(draft: GraphSpec) -> str:
    """The draft as YAML."""
    nodes = {name: one.model_dump(exclude_defaults=True) for name, one in draft.nodes.items()}
    return write({"sampipe": 1, "inputs": draft.inputs, "nodes": nodes, "outputs": draft.outputs})


def graph_of(draft: GraphSpec) -> Graph:
    """The graph, checked.

    Raises:
        SpecError, GraphError: why it is none yet.
    """
    return build(draft, "graph")


def troubles(draft: GraphSpec) -> dict[str | None, str]:
    """What is wrong, by node; under None what concerns the whole."""
    found: dict[str | None, str] = {}
    for name, one in draft.nodes.items():
        try:
            node = make_node(name, one, "graph")
        except SampipeError as error:
            found[name] = _plain(error)
            continue
        missing = [port for port, wanted in node.ports.inputs.items() if wanted.required and port not in one.inputs]
        if missing:
            found[name] = f"Nothing feeds {', '.join(missing)} yet."
    if not found:
        try:
            report = graph_of(draft).check()
        except SampipeError as error:
            return {_node_named(draft, str(error)): _plain(error)}
        found = {problem.node: f"{problem.message} {problem.fix}".strip() for problem in report.problems}
    return found


def fitting(draft: GraphSpec, name: str, port: str) -> list[str]:
    """What may be wired to an input: ``$input`` or ``node.port`` of a type that fits, and that makes no circle.

    An input of the graph that is not there yet is offered under the port's own name.
    """
    wanted = ports_of(find(draft.nodes[name].type)).inputs[port].type
    after = _downstream(draft, name)
    offered = [f"${one}" for one, given in _inputs(draft).items() if fits(given, wanted)]
    for other, one in draft.nodes.items():
        if other not in after:
            outputs = _ports(one).values()
            offered += [f"{other}.{given.name}" for given in outputs if fits(given.type, wanted)]
    return offered if port in draft.inputs else [*offered, f"${port}"]


def add_node(draft: GraphSpec, type_id: str) -> GraphSpec:
    """The draft with one more node, wired to the nearest outputs that have the names of its inputs.

    Raises:
        SpecError: no such type.
        DataError: a node with parameters that must be given: it has no defaults to start from.
    """
    cls = find(type_id)
    if needed := required_params(cls):
        raise DataError(f"{cls.__name__} needs {', '.join(needed)} from the start; write it into the YAML.")
    name = numbered(snake_case(cls.__name__), draft.nodes)
    added = _with_nodes(draft, {**draft.nodes, name: NodeSpec(type=type_id)})
    for port, wanted in ports_of(cls).inputs.items():
        offered = fitting(added, name, port)
        same_name = [one for one in offered if one == f"${port}" or one.endswith(f".{port}")]
        from_nodes = [one for one in same_name if not one.startswith("$")]
        if same_name and (wanted.required or from_nodes):
            added = set_wire(added, name, port, (from_nodes or same_name)[-1])
    return set_outputs(added, [*added.outputs.values(), *(f"{name}.{port}" for port in ports_of(cls).outputs)])


def remove_node(draft: GraphSpec, name: str) -> GraphSpec:
    """The draft without a node, the wires that led from it, and the inputs that nothing else needs."""
    nodes = {}
    for other, one in draft.nodes.items():
        if other != name:
            inputs = {port: source for port, source in one.inputs.items() if not source.startswith(f"{name}.")}
            nodes[other] = one.model_copy(update={"inputs": inputs})
    outputs = {key: source for key, source in draft.outputs.items() if not source.startswith(f"{name}.")}
    if nodes and not outputs:
        last = next(reversed(nodes))
        outputs = {port: f"{last}.{port}" for port in _ports(nodes[last])}
    return _without_unused_inputs(_with_nodes(draft, nodes).model_copy(update={"outputs": outputs}))


def set_wire(draft: GraphSpec, name: str, port: str, source: str | None) -> GraphSpec:
    """The draft with an input wired to ``source``, or to nothing; a new ``$input`` is made where it is named."""
    one = draft.nodes[name]
    inputs = {key: value for key, value in one.inputs.items() if key != port}
    given = dict(draft.inputs)
    if source:
        inputs[port] = source
        word = source.removeprefix("$")
        if source.startswith("$") and word not in given:
            wanted = ports_of(find(one.type)).inputs[port]
            given[word] = f"{type_name(wanted.type)}{'' if wanted.required else '?'}"
    changed = one.model_copy(update={"inputs": inputs})
    draft = _with_nodes(draft, {**draft.nodes, name: changed}).model_copy(update={"inputs": given})
    return _without_unused_inputs(draft)


def set_params(draft: GraphSpec, name: str, params: Mapping[str, Any]) -> GraphSpec:
    """The draft with a node's parameters exchanged."""
    return _with_nodes(draft, {**draft.nodes, name: draft.nodes[name].model_copy(update={"params": dict(params)})})


def node_params(draft: GraphSpec, name: str) -> dict[str, Any]:
    """The parameters that the draft gives for a node."""
    return draft.nodes[name].params


def set_outputs(draft: GraphSpec, chosen: Sequence[str]) -> GraphSpec:
    """The draft with these ``node.port`` as its outputs; those that are there keep their names."""
    outputs = {key: source for key, source in draft.outputs.items() if source in chosen}
    for source in chosen:
        if source not in outputs.values():
            outputs[numbered(source.partition(".")[2], outputs)] = source
    return draft.model_copy(update={"outputs": outputs})


def _with_nodes(draft: GraphSpec, nodes: Mapping[str, NodeSpec]) -> GraphSpec:
    return draft.model_copy(update={"nodes": dict(nodes)})


def _without_unused_inputs(draft: GraphSpec) -> GraphSpec:
    used = {source for one in draft.nodes.values() for source in one.inputs.values()} | {*draft.outputs.values()}
    return draft.model_copy(update={"inputs": {key: word for key, word in draft.inputs.items() if f"${key}" in used}})


def _inputs(draft: GraphSpec) -> dict[str, Any]:
    """The types of the graph's inputs, taken from the ports that they feed."""
    found: dict[str, Any] = {}
    for one in draft.nodes.values():
        ports = ports_of(find(one.type)).inputs
        for port, source in one.inputs.items():
            if source.startswith("$") and port in ports:
                found.setdefault(source[1:], ports[port].type)
    return found


def _ports(one: NodeSpec) -> Mapping[str, Port]:
    return ports_of(find(one.type)).outputs


def _downstream(draft: GraphSpec, name: str) -> set[str]:
    """The node and all that take from it, by whatever way."""
    found = {name}
    while True:
        more = {
            other
            for other, one in draft.nodes.items()
            if other not in found and any(source.partition(".")[0] in found for source in one.inputs.values())
        }
        if not more:
            return found
        found |= more


def _node_named(draft: GraphSpec, message: str) -> str | None:
    return next((name for name in draft.nodes if f"'{name}'" in message), None)


def _plain(error: SampipeError) -> str:
    return str(error).removeprefix("graph: ")
