"""The plan of a run: which nodes, in which order, and when a value is no longer needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sampipe.graph.node import Node
from sampipe.graph.wiring import Source, Wires


@dataclass(frozen=True)
class Step:
    """One node's turn.

    Args:
        name: its name in the graph.
        node: the node.
        inputs: where each wired input comes from.
        outputs: where each output goes.
        frees: the values that nothing after this step needs.
    """

    name: str
    node: Node
    inputs: Mapping[str, Source]
    outputs: Mapping[str, Source]
    frees: tuple[Source, ...]


def plan(nodes: Mapping[str, Node], wires: Mapping[str, Wires], outputs: Mapping[str, Source]) -> tuple[Step, ...]:
    """The steps in order; ``nodes`` is in topological order already."""
    wanted = needed(nodes, wires, outputs)
    kept = set(outputs.values())
    steps: list[Step] = []
    for name in reversed([name for name in nodes if name in wanted]):
        mine = {port: Source(name, port) for port in nodes[name].ports.outputs}
        touched = dict.fromkeys([*wires[name].values(), *mine.values()])
        frees = tuple(source for source in touched if source not in kept)
        kept.update(frees)
        steps.append(Step(name, nodes[name], wires[name], mine, frees))
    return tuple(reversed(steps))


def needed(nodes: Mapping[str, Node], wires: Mapping[str, Wires], outputs: Mapping[str, Source]) -> set[str]:
    """The nodes that an output or a node with an effect of its own depends on."""
    wanted = {source.node for source in outputs.values() if source.node is not None}
    wanted.update(name for name, node in nodes.items() if not node.pure)
    for name in reversed(list(nodes)):
        if name in wanted:
            wanted.update(source.node for source in wires[name].values() if source.node is not None)
    return wanted
