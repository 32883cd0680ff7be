"""``a | b | c``: the straight line, wired by the names of ports."""

from __future__ import annotations

from sampipe.errors import DuplicateNodeError, MissingInputError, PortTypeError
from sampipe.graph.graph import Graph
from sampipe.graph.mistakes import refuse_in_chain
from sampipe.graph.names import listed, numbered, snake_case
from sampipe.graph.node import Node, given_name
from sampipe.graph.ports import Port, fits, type_name
from sampipe.graph.wiring import Source, offer, sources


def chain(left: Node | Graph, right: Node | Graph) -> Graph:
    """Put ``right`` after ``left``.

    Each input of ``right`` takes the nearest upstream output of the same name: an output of ``left`` first,
    then whatever its nodes gave, the last one first. What finds none becomes an input of the whole. The
    outputs are those of ``right``, and the inputs that it passes on.

    Raises:
        MissingInputError: ``right`` takes nothing from upstream.
        PortTypeError: a name matches and its type does not.
    """
    before, after = as_graph(left), as_graph(right)
    upstream = _nearest(before)
    taken = {name: upstream[name] for name in after.inputs if name in upstream}
    if not taken:
        raise MissingInputError(
            f"{_title(right)} takes nothing from what comes before it: it wants "
            f"{listed(map(str, after.inputs.values()))}; upstream is {offer(sources({}, before.nodes))}."
        )
    names = _rename(before, after)
    inputs = dict(before.inputs)
    for name, port in after.inputs.items():
        if name not in taken:
            inputs[name] = _merge(inputs.get(name), port)
    moved = {Source(None, name): source for name, source in taken.items()}
    for old, new in names.items():
        moved.update((Source(old, port), Source(new, port)) for port in after.nodes[old].ports.outputs)
    wires = dict(before.wires)
    for old, new in names.items():
        wires[new] = {port: moved.get(source, source) for port, source in after.wires[old].items()}
    nodes = {**before.nodes, **{new: after.nodes[old] for old, new in names.items()}}
    outputs = {name: moved.get(one, one) for name, one in after.outputs.items()}
    for name in right.passes_on if isinstance(right, Node) else ():
        if name in taken:
            outputs.setdefault(name, taken[name])
    return Graph(inputs, nodes, wires, outputs)


def as_graph(part: Node | Graph) -> Graph:
    """A node alone, as a graph: its ports are the graph's."""
    if isinstance(part, Graph):
        return part
    if not isinstance(part, Node):
        refuse_in_chain(part)
    name = given_name(part) or snake_case(type(part).__name__)
    return Graph(
        inputs=dict(part.ports.inputs),
        nodes={name: part},
        wires={name: {port: Source(None, port) for port in part.ports.inputs}},
        outputs={port: Source(name, port) for port in part.ports.outputs},
    )


def _nearest(graph: Graph) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for name, node in graph.nodes.items():
        found.update((port, Source(name, port)) for port in node.ports.outputs)
    found.update((name, source) for name, source in graph.outputs.items() if source.node is not None)
    return found


def _rename(before: Graph, after: Graph) -> dict[str, str]:
    """New names for the nodes of ``after``: a class's name is numbered, a name somebody chose is not."""
    taken, names = set(before.nodes), {}
    for name, node in after.nodes.items():
        if name in taken and given_name(node) == name and before.nodes.get(name) is not node:
            raise DuplicateNodeError(f"Two nodes are named {name!r}. Give one of them another name.")
        names[name] = numbered(name, taken | (set(after.nodes) - {name}))
        taken.add(names[name])
    return names


def _merge(old: Port | None, new: Port) -> Port:
    """One graph input for two nodes that ask for the same name: the narrower type, required if either is."""
    if old is None:
        return new
    if fits(new.type, old.type):
        narrow = new.type
    elif fits(old.type, new.type):
        narrow = old.type
    else:
        raise PortTypeError(
            f"Graph input {new.name!r} is wanted as {type_name(old.type)} and as {type_name(new.type)}. "
            "One name is one value: rename the input of one node."
        )
    return Port(new.name, narrow, old.required or new.required)


def _title(part: Node | Graph) -> str:
    return type(part).__name__ if isinstance(part, Node) else "The graph after |"
