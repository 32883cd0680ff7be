"""Wires between ports, and what is wrong with them, said in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sampipe.errors import CycleError, GraphError, MissingInputError, PortTypeError, UnknownPortError
from sampipe.graph.names import did_you_mean, listed
from sampipe.graph.node import Node
from sampipe.graph.ports import Port, fits, type_name


@dataclass(frozen=True)
class Source:
    """Where a value comes from: a node's output, or a graph input when ``node`` is None."""

    node: str | None
    port: str

    def __str__(self) -> str:
        """As a graph file writes it: ``detect.prompts`` or ``$image``."""
        return f"${self.port}" if self.node is None else f"{self.node}.{self.port}"

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read ``"detect.prompts"`` or ``"$image"``.

        Raises:
            GraphError: the text is neither.
        """
        node, dot, port = text.partition(".")
        if text.startswith("$") and text[1:].isidentifier():
            return cls(None, text[1:])
        if dot and node.isidentifier() and port.isidentifier():
            return cls(node, port)
        raise GraphError(f"{text!r} is not a source: write $name for a graph input or node.port for a node's output.")


Wires = Mapping[str, Source]  # of one node, by input port
Sources = Mapping[Source, Port]  # everything there is to wire from


def sources(inputs: Mapping[str, Port], nodes: Mapping[str, Node]) -> dict[Source, Port]:
    """Everything a graph offers to wire from."""
    found = {Source(None, name): port for name, port in inputs.items()}
    for name, node in nodes.items():
        found.update((Source(name, port.name), port) for port in node.ports.outputs.values())
    return found


def check_wires(name: str, node: Node, wires: Wires, available: Sources) -> None:
    """Check everything about one node's inputs.

    Raises:
        UnknownPortError: an input that the node does not have, or a source that is not there.
        MissingInputError: a required input that nothing feeds, or that only an optional graph input feeds.
        PortTypeError: a source of another type than the input takes.
    """
    ports = node.ports.inputs
    for port in wires:
        check_input_name(name, node, port)
    for port, wanted in ports.items():
        where = f"{label(name, node)}, input {port!r}"
        if port in wires:
            given = resolve(wires[port], available, where)
            _check_type(where, wanted, wires[port], given)
        elif wanted.required:
            raise MissingInputError(f"{where}: nothing feeds it. Wanted: {wanted}. Available: {offer(available)}.")


def check_input_name(name: str, node: Node, port: str) -> None:
    """Raise UnknownPortError when the node has no such input."""
    ports = node.ports.inputs
    if port not in ports:
        raise UnknownPortError(
            f"{label(name, node)} has no input {port!r}.{did_you_mean(port, ports)} "
            f"It takes {listed(str(one) for one in ports.values())}."
        )


def resolve(source: Source, available: Sources, where: str) -> Port:
    """The port behind a source; UnknownPortError when there is none."""
    if source in available:
        return available[source]
    nodes = {one.node for one in available if one.node is not None}
    if source.node is None:
        names = [one.port for one in available if one.node is None]
        what = f"the graph has no input {source.port!r}.{did_you_mean(source.port, names)}"
    elif source.node not in nodes:
        what = f"there is no node {source.node!r}.{did_you_mean(source.node, nodes)}"
    else:
        names = [one.port for one in available if one.node == source.node]
        what = f"{source.node!r} has no output {source.port!r}.{did_you_mean(source.port, names)}"
    raise UnknownPortError(f"{where}: wired to {source}, but {what} Available: {offer(available)}.")


def order(nodes: Iterable[str], wires: Mapping[str, Wires]) -> list[str]:
    """The nodes with every node after those it takes from; otherwise as given.

    Raises:
        CycleError: a node waits for itself; the message shows the way round.
    """
    done: dict[str, None] = {}
    waiting = list(nodes)
    while waiting:
        ready = [name for name in waiting if all(one in done for one in _upstream(name, wires))]
        if not ready:
            raise CycleError(f"Nodes wait for each other: {' -> '.join(_cycle(waiting, wires))}. Cut one of the wires.")
        done[ready[0]] = None
        waiting.remove(ready[0])
    return list(done)


def label(name: str, node: Node) -> str:
    """How messages call a node: ``'segment' (Segment)``."""
    return f"{name!r} ({type(node).__name__})"


def offer(available: Sources) -> str:
    """What there is to wire from, with types."""
    return listed(f"{source}: {type_name(port.type)}" for source, port in available.items())


def _check_type(where: str, wanted: Port, source: Source, given: Port) -> None:
    if not fits(given.type, wanted.type):
        raise PortTypeError(
            f"{where}: wired to {source}, which is {type_name(given.type)}; wanted {type_name(wanted.type)}."
        )
    if wanted.required and not given.required:
        raise MissingInputError(
            f"{where}: wired to {source}, which may be left out, but the node needs it. "
            "Make the graph input required, or give the node's input a default."
        )


def _upstream(name: str, wires: Mapping[str, Wires]) -> set[str]:
    return {source.node for source in wires.get(name, {}).values() if source.node is not None}


def _cycle(waiting: list[str], wires: Mapping[str, Wires]) -> list[str]:
    """Walk upstream among the waiting nodes until one comes twice; shown in the direction data flows."""
    path = [waiting[0]]
    while True:
        previous = next(one for one in sorted(_upstream(path[-1], wires)) if one in waiting)
        if previous in path:
            return [previous, *reversed(path[path.index(previous) :])]
        path.append(previous)
