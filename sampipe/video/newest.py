"""The newest of what comes in, for sources that do not wait."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Reads ``items`` in a thread and gives the newest one; those that nobody took in time are dropped.

    Use it as a context manager. An error of the iterable is raised where it would have given the next item.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self.dropped = 0
        self._items = items
        self._changed = threading.Condition()
        self._waiting: list[T] = []
        self._error: BaseException | None = None
        self._over = False
        self._thread = threading.Thread(target=self._read, name="sampipe-newest", daemon=True)

    def __enter__(self) -> Newest[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
        self._thread.join()  # whatever is read is not closed under its reader

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait(0.5)  # so that Ctrl-C gets through
                if self._waiting:
                    item = self._waiting.pop()
                elif self._error is not None:
                    raise self._error
                else:
                    return
            yield item

    def _read(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    if self._over:
                        return
                    self.dropped += len(self._waiting)
                    self._waiting[:] = [item]
                    self._changed.notify_all()
        except BaseException as error:  # raised in the thread that reads
            self._error = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
