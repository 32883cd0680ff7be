"""RayEngine: graphs on a cluster, in actors that build them once."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sampipe.errors import DataError, NodeError
from sampipe.graph import Graph
from sampipe.graph.engines import OnError
from sampipe.graph.result import Result
from sampipe.jobs.crash_log import MAX_CRASHES
from sampipe.jobs.ray.cluster import connected
from sampipe.jobs.ray.pool import Pool

if TYPE_CHECKING:
    from sampipe.jobs.job import Job
    from sampipe.jobs.manifest import Entry


@dataclass(frozen=True, kw_only=True)
class RayEngine:
    """Runs graphs on a Ray cluster; sampipe is installed on its machines, and a job's folder is seen by all.

    Args:
        address: see :func:`~sampipe.jobs.ray.cluster.connected`.
        pool: the actors.
        max_crashes: an image during which, alone, an actor died so often is given up.
    """

    address: str | None = None
    pool: Pool = field(default_factory=Pool)
    max_crashes: int = MAX_CRASHES

    def with_options(
        self,
        *,
        address: str | None = None,
        actors: str | None = None,
        cpus: float | None = None,
        gpus: float | None = None,
        threads: int | None = None,
        restarts: int | None = None,
    ) -> RayEngine:
        """The engine as a command line asks for it.

        Args:
            actors: a number, or the least and the most: ``"1:8"``.

        Raises:
            DataError: numbers that make no pool.
        """
        given: dict[str, Any] = {"cpus": cpus, "gpus": gpus, "threads": threads, "restarts": restarts}
        if actors is not None:
            given["least"], given["most"] = _range(actors)
        pool = replace(self.pool, **{name: value for name, value in given.items() if value is not None})
        return replace(self, address=address or self.address, pool=pool)

    def work_off(self, job: Job, todo: Sequence[Entry], row_done: Callable[[dict[str, Any]], object]) -> None:
        """See :class:`~sampipe.jobs.job.JobEngine`."""
        from sampipe.jobs.ray.job import work_off

        with connected(self.address, self.pool):
            work_off(job, todo, row_done, self.pool, self.max_crashes)

    def run(self, graph: Graph, inputs: Mapping[str, Any]) -> Result:
        """See :meth:`Graph.run`."""
        (result,) = self.map(graph, [inputs])
        return result  # type: ignore[return-value]  # errors are raised

    def stream(self, graph: Graph, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """See :meth:`Graph.stream`."""
        with connected(self.address, self.pool) as ray:
            for reference in self._actor(ray, graph).stream.options(num_returns="streaming").remote(dict(inputs)):
                yield ray.get(reference)

    def map(
        self,
        graph: Graph,
        items: Iterable[Any],
        *,
        batch_size: int = 1,
        progress: bool = False,
        on_error: OnError = "raise",
    ) -> Iterator[Result | NodeError]:
        """See :meth:`Graph.map`; ``least`` actors of the pool take turns, each at ``batch_size`` items.

        An actor's death is ``ray.exceptions.ActorDiedError``; a job (:meth:`work_off`) goes on after that.
        """
        from sampipe.graph.run.progress import progress_bar

        with connected(self.address, self.pool) as ray, progress_bar(None, progress) as done:
            actors = itertools.cycle([self._actor(ray, graph) for _ in range(self.pool.least)])
            waiting: deque[Any] = deque()
            batches = _batches(items, batch_size)
            while True:
                while len(waiting) < 2 * self.pool.least and (batch := next(batches, None)) is not None:
                    waiting.append(next(actors).map.remote(batch, batch_size))
                if not waiting:
                    return
                for one in ray.get(waiting.popleft()):
                    done(isinstance(one, Result))
                    if isinstance(one, NodeError) and on_error == "raise":
                        raise one
                    yield one

    async def arun(self, graph: Graph, inputs: Mapping[str, Any]) -> Result:
        """See :meth:`Graph.arun`."""
        return await asyncio.to_thread(self.run, graph, inputs)

    def _actor(self, ray: Any, graph: Graph) -> Any:
        return ray.remote(_Runner).options(**self.pool.actor_options()).remote(graph)


class _Runner:
    """An actor with a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        graph.warm()

    def map(self, items: list[Any], batch_size: int) -> list[Result | NodeError]:
        return list(self._graph.map(items, batch_size=batch_size, on_error="return"))

    def stream(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield from self._graph.stream(**inputs)


def _range(text: str) -> tuple[int, int]:
    least, colon, most = text.partition(":")
    try:
        return int(least), int(most if colon else least)
    except ValueError as error:
        raise DataError(f"actors: got {text!r}, wanted a number or LEAST:MOST, such as 1:8") from error


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
