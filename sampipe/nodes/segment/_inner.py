"""A graph inside a node: its YAML text is a parameter, what it needs is the node's need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sampipe.errors import GraphError
from sampipe.graph import Graph, Requirement


def inner_graph(owner: str, text: str, kinds: Sequence[type]) -> tuple[Graph, str]:
    """The graph of a YAML text or file, and the name of its one output of one of ``kinds``.

    Raises:
        GraphError: it takes more than an image, has no such output or several, or a node of it is not pure: it would
            save a file for each part of an image, behind the back of whoever looked at the outer graph.
    """
    graph = Graph.from_yaml(text)
    impure = [f"{name} ({type(node).__name__})" for name, node in graph.nodes.items() if not node.pure]
    if impure:
        raise GraphError(
            f"{owner}: {', '.join(impure)} in the inner graph saves files or has state; put it into the graph "
            f"around {owner}."
        )
    required = [name for name, port in graph.inputs.items() if port.required]
    outputs = [name for kind in kinds for name in graph.outputs_of(kind)]
    if required != ["image"] or len(outputs) != 1:
        wanted = " or ".join(kind.__name__.lower() for kind in kinds)
        raise GraphError(
            f"{owner}: the graph takes {', '.join(required) or 'nothing'} and gives {', '.join(graph.outputs)}; wanted "
            f"one that takes an image and has one output that is {wanted}."
        )
    return graph, outputs[0]


def requirements_of(graph: Graph) -> list[Requirement]:
    """Those of all its nodes."""
    return [one for node in graph.nodes.values() for one in node.requirements()]


def files_of(text: str, graph: Graph) -> list[str]:
    """What an inner graph reads: its own file, where ``text`` is a path, and the files of its nodes."""
    own = [text] if "\n" not in text and not text.lstrip().startswith("{") else []
    return own + [path for node in graph.nodes.values() for path in node.input_files()]


def joint_digest(digests: Iterable[str | None]) -> str | None:
    """One digest for the weights of several nodes; None where none has any."""
    known = [digest for digest in digests if digest is not None]
    return hashlib.blake2b(" ".join(known).encode(), digest_size=16).hexdigest() if known else None


def weights_of(graph: Graph) -> list[str | None]:
    """The digest of each node's weights."""
    return [node.weights_digest() for node in graph.nodes.values()]
