"""What stands between a graph and a run on this machine, found without loading anything heavy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from sampipe.errors import MissingDependencyError, SampipeError, SpecError
from sampipe.graph.graph import Graph
from sampipe.graph.node import Node
from sampipe.graph.plan import needed
from sampipe.graph.ports import type_name
from sampipe.graph.wiring import Source, label


@dataclass(frozen=True)
class Problem:
    """One thing to put right.

    Args:
        node: the node's name, or None for the graph as a whole.
        kind: ``package``, ``weights``, ``device``, ``unreachable``, ``type`` (an id, version or parameter in
            a file), ``file`` (its form), ``wires``, ``node`` (it cannot say what it needs).
        message: what is there and what was wanted.
        fix: what to do, as one line.
    """

    node: str | None
    kind: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" + (f"\n    {self.fix}" if self.fix else "")


@dataclass(frozen=True)
class CheckReport:
    """All problems; ``ok`` when there are none."""

    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems)) or "No problems found."


def check(graph: Graph) -> CheckReport:
    """The problems of a graph: packages, weights, devices, and what nothing uses."""
    problems = [*_unused(graph)]
    for name, node in graph.nodes.items():
        problems.extend(_missing(name, node))
    return CheckReport(tuple(problems))


def check_file(source: str | os.PathLike[str]) -> CheckReport:
    """The problems of a graph file: its form, unknown ids, wires, then those of :func:`check`."""
    from sampipe.graph import spec as files

    try:
        text, where = files.read_text(source)
        spec = files.read(text, where)
    except SpecError as error:
        return CheckReport((Problem(None, "file", str(error)),))
    problems = []
    for name, one in spec.nodes.items():
        try:
            files.make_node(name, one, where)
        except MissingDependencyError as error:
            problems.append(Problem(name, "package", str(error)))
        except SpecError as error:
            problems.append(Problem(name, "type", str(error)))
    if problems:
        return CheckReport(tuple(problems))
    try:
        return check(files.build(spec, where))
    except SpecError as error:
        return CheckReport((Problem(None, "file", str(error)),))
    except SampipeError as error:
        return CheckReport((Problem(None, "wires", str(error)),))


def _missing(name: str, node: Node) -> Iterator[Problem]:
    try:
        for requirement in node.requirements():
            if not requirement.is_met():
                message = f"{label(name, node)} needs the {requirement.kind} {requirement.name!r}"
                yield Problem(name, requirement.kind, f"{message}, which is not here.", requirement.fix)
    except Exception as error:  # a third party's code; the other nodes are still worth checking
        yield Problem(name, "node", f"{label(name, node)} cannot say what it needs: {error!r}")


def _unused(graph: Graph) -> Iterator[Problem]:
    wanted = needed(graph.nodes, graph.wires, graph.outputs)
    used = {source for name in wanted for source in graph.wires[name].values()} | set(graph.outputs.values())
    for name, node in graph.nodes.items():
        if name not in wanted:
            outputs = ", ".join(str(port) for port in node.ports.outputs.values())
            message = f"{label(name, node)}: no output of the graph needs what it gives ({outputs})."
            yield Problem(name, "unreachable", message, f"wire {name}'s output, or remove the node")
    for name, port in graph.inputs.items():
        if Source(None, name) not in used:
            message = f"Graph input {name!r} ({type_name(port.type)}) feeds nothing that is needed."
            yield Problem(None, "unreachable", message, f"wire ${name} to a node, or remove the input")
