"""Runs of graphs that take their time: how far they are, and an end to them when nobody wants them any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from sampipe import web
from sampipe._report import following
from sampipe.errors import NodeError, SampipeError
from sampipe.graph import Graph

_LOOK_EVERY = 0.15  # seconds


class Cancelled(SampipeError):
    """Somebody pressed Cancel."""


class Job:
    """One run of a graph, in a thread of its own; it begins at once, or when the device is free.

    Args:
        graph, inputs: what to run.
        device: whose turn it takes.
    """

    def __init__(self, graph: Graph, inputs: Mapping[str, Any], *, device: str) -> None:
        self.share: float | None = None
        """How far it is, 0 to 1; None while it waits for the device."""
        self._graph, self._inputs = graph, dict(inputs)
        self._stop = threading.Event()
        self._result: Future[Any] = Future()
        threading.Thread(target=self._run, args=(device,), daemon=True).start()

    def cancel(self) -> None:
        """Stop it at the next opportunity: before it begins, or where a node says how far it is."""
        self._stop.set()

    def follow(self) -> Iterator[float | None]:
        """How far it is, again and again until it ends."""
        while not self._result.done():
            yield self.share
            wait([self._result], timeout=_LOOK_EVERY)

    def result(self) -> Any:
        """What :meth:`work` gave, when it has ended.

        Raises:
            Cancelled: it was stopped.
            NodeError: a node failed.
        """
        return self._result.result()

    def work(self) -> Any:
        """One run of the graph: a Result."""
        with following(self._told):
            return self._graph.run(**self._inputs)

    def _run(self, device: str) -> None:
        try:
            with web.turns.turn(device):
                self._told(0.0)
                self._result.set_result(self.work())
        except Exception as error:  # told to whoever asks for the result
            stopped = isinstance(error, NodeError) and isinstance(error.__cause__, Cancelled)
            self._result.set_exception(error.__cause__ if stopped and error.__cause__ else error)

    def _told(self, share: float) -> None:
        if self._stop.is_set():
            raise Cancelled("Stopped.")
        self.share = share


J = TypeVar("J", bound=Job)


class Jobs:
    """The newest job of each window of a page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, Job] = {}

    def start(self, window: str, make: Callable[[], J]) -> J:
        """A new job for a window; the one before it is stopped."""
        with self._lock:
            before = self._newest.pop(window, None)
            if before is not None:
                before.cancel()
            job = make()
            self._newest[window] = job
            return job

    def cancel(self, window: str) -> None:
        """Stop a window's job, if it has one."""
        with self._lock:
            job = self._newest.pop(window, None)
        if job is not None:
            job.cancel()


def progress_html(share: float | None) -> str:
    """How far a job is, for people."""
    if share is None:
        before = max(web.turns.waiting() - 1, 0)
        return f'<div class="sp-progress"><progress></progress> waiting; {before} before this one</div>'
    return f'<div class="sp-progress"><progress value="{share:.3f}"></progress> {share:.0%}</div>'
