"""A graph as the Python program that makes it."""

from __future__ import annotations

import keyword

from sampipe.errors import SpecError
from sampipe.graph import Graph, Node
from sampipe.graph.ports import Port, type_name
from sampipe.graph.registry import is_registered
from sampipe.graph.wiring import Source


def as_python(graph: Graph) -> str:
    """A program that builds the graph with :func:`sampipe.trace` and prints it.

    Raises:
        SpecError: a node's class is not registered, or a name that Python does not allow.
    """
    for name in (*graph.nodes, *graph.inputs):
        if keyword.iskeyword(name) or name in ("sp", "pipeline", "graph"):
            raise SpecError(f"{name!r} cannot be a name in a Python program; rename it.")
    names = {name: _free(name, graph) for name in graph.nodes}
    nodes = [f"{name} = {_call(node)}" for name, node in graph.nodes.items()]
    takes = ", ".join(_parameter(port) for port in sorted(graph.inputs.values(), key=lambda port: not port.required))
    body = [f"    {names[name]} = {name}({_arguments(graph, name, names)})" for name in graph.nodes]
    gives = ", ".join(f'"{key}": {_value(graph, source, names)}' for key, source in graph.outputs.items())
    return "\n".join(
        [
            *_imports(graph),
            "",
            *nodes,
            "",
            "",
            f"def pipeline({takes}):",
            *body,
            f"    return {{{gives}}}",
            "",
            "",
            "graph = sp.trace(pipeline)",
            "print(graph)",
            "",
        ]
    )


def _imports(graph: Graph) -> list[str]:
    modules: dict[str, set[str]] = {}
    for node in graph.nodes.values():
        cls = type(node)
        if not is_registered(cls):
            raise SpecError(f"{cls.__name__} is not registered, so a program cannot import it by a lasting name.")
        module = "sampipe.nodes" if cls.__module__.startswith("sampipe.") else cls.__module__.rpartition(".")[0]
        modules.setdefault(module, set()).add(cls.__name__)
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]
    return ["import sampipe as sp", "import sampipe.types", *lines]


def _call(node: Node) -> str:
    params = ", ".join(f"{name}={value!r}" for name, value in node.changed_params().items())
    return f"{type(node).__name__}({params})"


def _parameter(port: Port) -> str:
    word = type_name(port.type)
    annotation = word if word in ("str", "int", "float", "bool") else f"sampipe.types.{word}"
    return f"{port.name}: {annotation}" + ("" if port.required else " | None = None")


def _free(name: str, graph: Graph) -> str:
    """What the program calls a node's result: never the name of a node or an input."""
    wanted = f"{name}_result"
    while wanted in graph.nodes or wanted in graph.inputs:
        wanted += "_"
    return wanted


def _arguments(graph: Graph, name: str, names: dict[str, str]) -> str:
    wires = graph.wires[name].items()
    return ", ".join(f"{port}={_value(graph, source, names)}" for port, source in wires)


def _value(graph: Graph, source: Source, names: dict[str, str]) -> str:
    if source.node is None:
        return source.port
    several = graph.nodes[source.node].ports.returns is not None
    return f"{names[source.node]}.{source.port}" if several else names[source.node]
