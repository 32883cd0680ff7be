"""Long runs of a page: how far they are, and an end to them when nobody wants them any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from sampipe.graph import Graph
from sampipe.graph.run.events import following
from sampipe.pages import shared
from sampipe.pages.shared import Cancelled, DeviceLock

_LOOK_EVERY = 0.15  # seconds
FORGOTTEN = 15.0
"""Seconds after which a run that no window asks about ends."""


class PageJob:
    """A long run, in a thread of its own: it starts when the device is free, and lets clicks go before it.

    Args:
        device: whose lock it takes.
    """

    def __init__(self, *, device: str) -> None:
        self.share: float | None = None
        """How far it is, 0 to 1; None while it waits for the device."""
        self._stop = threading.Event()
        self._asked = time.monotonic()
        self._lock: DeviceLock | None = None
        self._result: Future[Any] = Future()
        threading.Thread(target=self._run, args=(device,), daemon=True).start()

    def work(self) -> Any:
        """What it does; :meth:`told` is called again and again with how far it is."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Stop it at the next opportunity: before it starts, or where a node says how far it is."""
        self._stop.set()

    def follow(self) -> Iterator[float | None]:
        """How far it is, again and again until it ends; a run that nobody follows ends by itself."""
        while not self.look(_LOOK_EVERY):
            yield self.share

    def look(self, seconds: float = 0.0) -> bool:
        """Whether it has ended, after waiting for at most ``seconds``; who looks keeps it running."""
        self._asked = time.monotonic()
        wait([self._result], timeout=seconds)
        return self._result.done()

    def result(self) -> Any:
        """What :meth:`work` gave, when it has ended.

        Raises:
            Cancelled: it was stopped.
            NodeError: a node failed.
        """
        return self._result.result()

    def told(self, share: float) -> None:
        """Note how far it is, and let clicks go first.

        Raises:
            Cancelled: nobody wants it any more.
        """
        if self._stop.is_set() or time.monotonic() - self._asked > FORGOTTEN:
            raise Cancelled("Stopped.")
        self.share = share
        if self._lock is not None:
            self._lock.give_way()

    def _run(self, device: str) -> None:
        try:
            with shared.device_lock(device, background=True) as self._lock:
                self.told(0.0)
                self._result.set_result(self.work())
        except Exception as error:  # told to whoever asks for the result
            self._result.set_exception(shared.unless_cancelled(error))


class GraphJob(PageJob):
    """One run of a graph; its result is a Result.

    Args:
        graph, inputs: what to run.
        device: whose lock it takes.
    """

    def __init__(self, graph: Graph, inputs: Mapping[str, Any], *, device: str) -> None:
        self._graph, self._inputs = graph, dict(inputs)
        super().__init__(device=device)

    def work(self) -> Any:
        """The whole graph."""
        with following(self.told):
            return self._graph.run(**self._inputs)


J = TypeVar("J", bound=PageJob)


class Jobs:
    """The newest job of each window of a page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, PageJob] = {}

    def start(self, window: str, make: Callable[[], J]) -> J:
        """A new job for a window; the one before it is stopped."""
        with self._lock:
            before = self._newest.pop(window, None)
            if before is not None:
                before.cancel()
            job = make()
            self._newest[window] = job
            return job

    def newest(self, window: str) -> PageJob | None:
        """A window's job, if it has one."""
        return self._newest.get(window)

    def cancel(self, window: str) -> None:
        """Stop a window's job, if it has one."""
        with self._lock:
            job = self._newest.pop(window, None)
        if job is not None:
            job.cancel()


def progress_html(share: float | None) -> str:
    """How far a job is, for people."""
    if share is None:
        before = shared.requests_waiting() - 1
        said = f"waiting; {before} before this one" if before > 0 else "starting"
        return f'<div class="sp-progress" role="progressbar" aria-label="{said}"><i></i> {said}</div>'
    bar = f'<i><b style="width:{share:.1%}"></b></i> {share:.0%}'
    return f'<div class="sp-progress" role="progressbar" aria-valuenow="{share * 100:.0f}">{bar}</div>'
