"""Engines by name: what runs a graph, found through the entry points group ``sampipe.engines``."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, runtime_checkable

from sampipe.errors import NodeError, SpecError
from sampipe.graph.names import did_you_mean, listed
from sampipe.graph.registry import load_entry, points
from sampipe.graph.result import Result

if TYPE_CHECKING:
    from sampipe.graph.graph import Graph

OnError = Literal["raise", "return"]


@runtime_checkable
class Engine(Protocol):
    """Runs graphs. ``inputs`` were not checked yet: see :meth:`Graph.bind`."""

    def run(self, graph: Graph, inputs: Mapping[str, Any]) -> Result: ...

    def stream(self, graph: Graph, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]: ...

    def map(
        self,
        graph: Graph,
        items: Iterable[Any],
        *,
        batch_size: int = 1,
        progress: bool = False,
        on_error: OnError = "raise",
    ) -> Iterator[Result | NodeError]: ...

    def arun(self, graph: Graph, inputs: Mapping[str, Any]) -> Awaitable[Result]: ...


def load_engine(engine: str | Engine) -> Engine:
    """The engine of that name, or the one given.

    Raises:
        SpecError: no engine of that name is installed.
        MissingDependencyError: it needs a package that is not.
    """
    if not isinstance(engine, str):
        return engine
    found = points("sampipe.engines")
    if engine not in found:
        raise SpecError(
            f"No engine {engine!r} is installed.{did_you_mean(engine, found)} Installed: {listed(sorted(found))}."
        )
    return cast("Engine", load_entry(found[engine])())
