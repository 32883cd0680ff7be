"""Symbols: what stands for a value while a graph is traced. Looking at one is an error that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampipe.errors import GraphError, UnknownPortError
from sampipe.graph.names import did_you_mean, listed
from sampipe.graph.ports import Port, type_name
from sampipe.graph.wiring import Source


class Symbol:
    """The value that will be at ``source`` when the graph runs."""

    __slots__ = ("port", "source", "tracer")

    def __init__(self, tracer: object, source: Source, port: Port) -> None:
        self.tracer = tracer
        self.source = source
        self.port = port

    def __repr__(self) -> str:
        return f"<{self.source}: {type_name(self.port.type)}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._no_value(f"its .{name} cannot be read")

    def __bool__(self) -> bool:
        raise self._no_value("it is neither true nor false")

    def __iter__(self) -> Any:
        raise self._no_value("it cannot be unpacked or looped over")

    def __len__(self) -> int:
        raise self._no_value("it has no length")

    def __getitem__(self, index: Any) -> Any:
        raise self._no_value("it cannot be indexed")

    def __contains__(self, item: Any) -> bool:
        raise self._no_value("nothing can be looked up in it")

    def _compare(self, other: Any) -> Any:
        raise self._no_value("it cannot be compared or computed with")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _compare
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __and__ = __or__ = _compare
    __hash__ = object.__hash__

    def _no_value(self, what: str) -> GraphError:
        return GraphError(
            f"While tracing, {self.source} ({type_name(self.port.type)}) has no value yet: {what}. "
            "Branch on values and compute with them inside a node's run()."
        )


def several(returns: Any, node: str, symbols: Mapping[str, Symbol]) -> Any:
    """A node's NamedTuple, filled with symbols; an unknown field is an UnknownPortError."""

    def unknown(self: Any, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnknownPortError(
            f"{node!r} has no output {name!r}.{did_you_mean(name, symbols)} "
            f"It gives {listed(str(one.port) for one in symbols.values())}."
        )

    guarded = type(returns.__name__, (returns,), {"__slots__": (), "__getattr__": unknown})
    return guarded(**symbols)
