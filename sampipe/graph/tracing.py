"""Which trace is under way, if any: the one thing a node's call has to know."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sampipe.graph.node import Node


class Tracer(Protocol):
    """Takes note of a call instead of running it."""

    def call(self, node: Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any: ...


active_tracer: ContextVar[Tracer | None] = ContextVar("sampipe_tracer", default=None)
