"""Slips with nodes that Python itself would answer in riddles: a class for an instance, a string in a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from sampipe.errors import GraphError
from sampipe.graph.border import given

if TYPE_CHECKING:
    NodeType = type
else:

    class NodeType(type):
        """The type of node classes."""

        def __or__(cls, other: Any) -> Any:
            """``Segment | None`` is a type; two classes of nodes are a chain that was meant of nodes."""
            if isinstance(other, NodeType) or isinstance(type(other), NodeType):
                refuse_in_chain(cls)
            return super().__or__(other)

        def __ror__(cls, other: Any) -> Any:
            if isinstance(type(other), NodeType):
                refuse_in_chain(cls)
            return super().__ror__(other)


def refuse_in_chain(part: object) -> NoReturn:
    """Say why ``part`` is no part of a chain.

    Raises:
        GraphError: always.
    """
    if isinstance(part, type):
        raise GraphError(
            f"A chain got {given(part)}; wanted a node. Make one of the class: {part.__name__}(). (Several classes for "
            "isinstance() are a tuple.)"
        )
    if isinstance(part, str):
        why = f"An image goes in when it runs: graph.run(image={part!r})."
    elif callable(part):
        why = "Put it into the run() of a Node of your own, or write the whole as a function and sp.trace it."
    else:
        why = "Values go in when it runs: graph.run(image=...)."
    raise GraphError(f"A chain got {given(part)}; wanted a node or a graph. {why}")
