"""Reading ahead: items load in a thread while earlier ones are worked on."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_PATIENCE = 5.0


class _End:
    """Comes after the last item, with the error that ended the iteration, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Prefetch(Generic[T]):
    """Iterates over ``items`` in a thread, at most ``depth`` of them ahead; use it as a context manager.

    An error of the iterable itself is raised in its place, after the items before it.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = items
        self._queue: queue.Queue[T | _End] = queue.Queue(depth)
        self._stopped = threading.Event()
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._read,), name="sampipe-prefetch", daemon=True)

    def __enter__(self) -> Iterator[T]:
        self._thread.start()
        return self._take()

    def __exit__(self, *_: object) -> None:
        """Stop reading. An item that takes long to load is not waited for; its thread ends by itself."""
        self._stopped.set()
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        self._thread.join(_PATIENCE)

    def _take(self) -> Iterator[T]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _read(self) -> None:
        iterator = iter(self._items)
        end = _End()
        try:
            for item in iterator:
                if not self._put(item):
                    break
        except BaseException as error:  # carried to the thread that asked, and raised there
            end = _End(error)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
            self._put(end)

    def _put(self, item: T | _End) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False
