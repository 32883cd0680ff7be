"""LocalEngine: runs a graph in this process, node after node."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from typing import Any, get_args

from sampipe.errors import DataError, NodeError
from sampipe.graph.engines import OnError
from sampipe.graph.graph import Graph
from sampipe.graph.result import NodeReport, Report, Result
from sampipe.graph.run.items import load, single
from sampipe.graph.run.prefetch import Prefetch
from sampipe.graph.run.progress import progress_bar
from sampipe.graph.run.step import Item, release, run_step
from sampipe.types import Image


class LocalEngine:
    """Runs graphs in this process. It keeps no state: one engine serves any number of threads."""

    def run(self, graph: Graph, inputs: Mapping[str, Any]) -> Result:
        """See :meth:`Graph.run`."""
        item = single(graph, inputs)
        image = next((value for value in item.values.values() if isinstance(value, Image)), None)
        with _job(graph):
            report = _through(graph, [item])
            if item.error is not None:
                raise item.error
        return dataclasses.replace(_result(graph, item, report), background=image)

    def stream(self, graph: Graph, inputs: Mapping[str, Any]) -> Generator[tuple[str, Mapping[str, Any]], None, None]:
        """See :meth:`Graph.stream`. Inputs are checked at once, nodes run as the result is read."""
        return self._stream(graph, single(graph, inputs))

    def map(
        self,
        graph: Graph,
        items: Iterable[Any],
        *,
        batch_size: int = 1,
        progress: bool = False,
        on_error: OnError = "raise",
    ) -> Generator[Result | NodeError, None, None]:
        """See :meth:`Graph.map`. At most ``2 * batch_size + 1`` items are held, loaded ones included."""
        if batch_size < 1:
            raise DataError(f"batch_size is {batch_size}; wanted 1 or more.")
        if on_error not in get_args(OnError):
            raise DataError(f"on_error is {on_error!r}; wanted one of {get_args(OnError)}.")
        return self._map(graph, items, batch_size, progress, on_error)

    async def arun(self, graph: Graph, inputs: Mapping[str, Any]) -> Result:
        """See :meth:`Graph.arun`. A cancelled run finishes in its thread; its result is dropped."""
        return await asyncio.to_thread(self.run, graph, inputs)

    def _stream(self, graph: Graph, item: Item) -> Generator[tuple[str, Mapping[str, Any]], None, None]:
        with _job(graph):
            for step in graph.steps:
                run_step(step, [item])
                if item.error is not None:
                    raise item.error
                yield step.name, {port: item.values[source] for port, source in step.outputs.items()}
                release(step, [item])

    def _map(
        self, graph: Graph, items: Iterable[Any], batch_size: int, progress: bool, on_error: OnError
    ) -> Generator[Result | NodeError, None, None]:
        total = len(items) if isinstance(items, Sized) else None
        with (
            _job(graph),
            progress_bar(total, progress) as done,
            Prefetch(load(graph, items), depth=batch_size) as loaded,
        ):
            for batch in _batches(loaded, batch_size):
                report = _through(graph, batch)
                while batch:
                    item = batch.pop(0)
                    done(item.error is None)
                    if item.error is None:
                        yield _result(graph, item, report)
                    elif on_error == "raise":
                        raise item.error
                    else:
                        yield item.error


@contextmanager
def _job(graph: Graph) -> Iterator[None]:
    """Whatever happens, nodes finish what they collected."""
    try:
        yield
    finally:
        graph.flush()


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Lists of up to ``size`` items; when the iteration breaks, what came before it goes first."""
    broken: Exception | None = None
    batch: list[Item] = []
    while broken is None:
        try:
            batch.append(next(items))
        except StopIteration:
            break
        except Exception as error:
            broken = error
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
    if broken is not None:
        raise broken


def _through(graph: Graph, items: Sequence[Item]) -> Report:
    """Take the items through every step; those that failed stop where they did."""
    nodes: dict[str, NodeReport] = {}
    for step in graph.steps:
        alive = [item for item in items if item.error is None]
        if not alive:
            break
        nodes[step.name] = run_step(step, alive)
        release(step, alive)
    return Report(nodes, batch=len(items))


def _result(graph: Graph, item: Item, report: Report) -> Result:
    outputs = {name: item.values.get(source) for name, source in graph.outputs.items()}
    return Result(outputs, report, item.name)
