"""One inference at a time on a device, whoever asks by whatever way; clicks go before long runs.

Gradio's own limits hold for its queue only; a request that goes around the queue would run beside the others. So
the lock is ours and lies around the work itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sampipe.errors import DataError

MOST_WAITING = 64
_ORDER = ("short", "resumed", "background")  # who is next; what gave way comes before what has not begun


class DeviceLock:
    """The lock of one device. Safe to share between threads.

    Args:
        most_waiting: requests that may wait; the next one is refused.
    """

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._held = False
        self._waiting = dict.fromkeys(_ORDER, 0)

    @contextmanager
    def hold(self, *, background: bool = False) -> Iterator[DeviceLock]:
        """Wait for the device, then have it alone for the block.

        Args:
            background: a long run: short requests go first, and at each :meth:`give_way` again.

        Raises:
            DataError: too many wait already.
        """
        with self._changed:
            if sum(self._waiting.values()) >= self._most_waiting:
                raise DataError(f"{self._most_waiting} requests are waiting for this device already; try again soon.")
            self._acquire("background" if background else "short")
        try:
            yield self
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()

    def give_way(self) -> None:
        """Called by the background run that holds the device: let every short request that waits go first."""
        with self._changed:
            if self._waiting["short"]:
                self._held = False
                self._changed.notify_all()
                self._acquire("resumed")

    def waiting(self) -> int:
        """Requests that run or wait."""
        with self._changed:
            return sum(self._waiting.values()) + self._held

    def _acquire(self, kind: str) -> None:
        """Wait for the device; the condition's own lock is held."""
        first = _ORDER[: _ORDER.index(kind)]
        self._waiting[kind] += 1
        self._changed.wait_for(lambda: not self._held and not any(self._waiting[other] for other in first))
        self._waiting[kind] -= 1
        self._held = True


_guard = threading.Lock()
_locks: dict[str, DeviceLock] = {}


@contextmanager
def device_lock(device: str = "auto", *, background: bool = False) -> Iterator[DeviceLock]:
    """Have a device alone for the block; see :meth:`DeviceLock.hold`. "auto" and what it stands for are one."""
    from sampipe.models.device import resolve_device

    with _guard:
        lock = _locks.setdefault(str(resolve_device(device)), DeviceLock())
    with lock.hold(background=background):
        yield lock


def requests_waiting() -> int:
    """Requests that run or wait, on all devices."""
    with _guard:
        locks = [*_locks.values()]
    return sum(lock.waiting() for lock in locks)
