"""A graph in another precision."""

from __future__ import annotations

import dataclasses
from typing import Any

from sampipe.graph import Graph, Node
from sampipe.nodes.segment._inner import inner_graph
from sampipe.nodes.segment.segment import SamNode
from sampipe.types import Masks, Prompts


def with_precision(graph: Graph, precision: str) -> Graph:
    """The same graph, its Segment Anything nodes in another precision, those of graphs inside nodes, too."""
    return dataclasses.replace(graph, nodes={name: _changed(node, precision) for name, node in graph.nodes.items()})


def _changed(node: Any, precision: str) -> Node:
    values: dict[str, Any] = {"precision": precision} if isinstance(node, SamNode) else {}
    inner = getattr(type(node), "inner_field", None)
    if inner is not None and (text := getattr(node, inner)) is not None:
        graph, _ = inner_graph(type(node).__name__, text, [Masks, Prompts])
        values[inner] = with_precision(graph, precision).to_yaml()
    changed: Node = dataclasses.replace(node, **values) if values else node
    return changed
