"""Graphs as Mermaid flowcharts (https://mermaid.js.org/syntax/flowchart.html)."""

from __future__ import annotations

from sampipe.graph.graph import Graph
from sampipe.graph.wiring import Source


def mermaid(graph: Graph) -> str:
    """A flowchart from left to right; arrows carry the names of ports."""
    lines = ["flowchart LR"]
    for name, given in graph.inputs.items():
        lines.append(f"    in_{name}([{_text(given)}])")
    for name, node in graph.nodes.items():
        lines.append(f"    n_{name}[{_text(name)[:-1]}<br/>{_text(node.describe())[1:]}]")
    for name in graph.outputs:
        lines.append(f"    out_{name}([{_text(name)}])")
    for name, wires in graph.wires.items():
        for port, source in wires.items():
            lines.append(f"    {_end(source)} -->|{port}| n_{name}")
    for name, source in graph.outputs.items():
        lines.append(f"    {_end(source)} -->|{source.port}| out_{name}")
    return "\n".join(lines) + "\n"


def _end(source: Source) -> str:
    return f"in_{source.port}" if source.node is None else f"n_{source.node}"


def _text(value: object) -> str:
    """A quoted label; characters that mean something to Mermaid or HTML become its ``#…;`` entities."""
    special = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}
    return '"' + "".join(special.get(letter, letter) for letter in str(value)) + '"'
