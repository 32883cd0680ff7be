"""Turns on a device: at most one inference at a time, whoever asks by whatever way.

Gradio's own limits hold for its queue only; a request that goes around the queue would run beside the others. So
the lock is ours and lies around the work itself.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sampipe.errors import DataError

MOST_WAITING = 64


class Turns:
    """One lock a device, and who waits for it. Safe to share between threads.

    Args:
        most_waiting: requests that may wait for one device; the next one is refused.
    """

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._inside: Counter[str] = Counter()

    @contextmanager
    def turn(self, device: str = "auto") -> Iterator[None]:
        """Wait for the device, then have it alone for the block.

        Raises:
            DataError: too many wait already.
        """
        name = resolved(device)
        with self._guard:
            if self._inside[name] > self._most_waiting:
                raise DataError(f"{self._most_waiting} requests wait for {name} already; try again in a moment.")
            self._inside[name] += 1
            lock = self._locks.setdefault(name, threading.Lock())
        try:
            with lock:
                yield
        finally:
            with self._guard:
                self._inside[name] -= 1

    def waiting(self) -> int:
        """Requests that run or wait, on all devices."""
        with self._guard:
            return sum(self._inside.values())


def resolved(device: str) -> str:
    """The device behind a name: "auto" and the device that it stands for share their turns."""
    from sampipe.models.device import resolve_device

    return str(resolve_device(device))


turns = Turns()
"""Those of this process; every page uses them."""
