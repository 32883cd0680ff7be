"""Rows made and written in a thread of their own, while the next image is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

Row = dict[str, Any]
_BEHIND = 4


class Writer:
    """One thread, a bounded number of rows behind; use it as a context manager, which waits for them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sampipe-write")

    def in_order(
        self, makers: Iterable[tuple[Callable[[], Row], int]], then: Callable[[Row], object]
    ) -> Iterator[tuple[Row, int]]:
        """Call each maker and hand its row to ``then``; gives the rows back in order.

        An error of ``then`` (a full disk) is raised here and ends the iteration. When the makers break off, the rows
        made before are still written.
        """
        waiting: deque[tuple[Future[Row], int]] = deque()

        def write(make: Callable[[], Row]) -> Row:
            row = make()
            then(row)
            return row

        for make, note in makers:
            waiting.append((self._pool.submit(write, make), note))
            while len(waiting) > _BEHIND:
                future, one = waiting.popleft()
                yield future.result(), one
        for future, one in waiting:
            yield future.result(), one

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)
