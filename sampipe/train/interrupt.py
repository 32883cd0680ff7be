"""Ctrl-C and SIGTERM end a run after the step at hand, with everything saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_requests(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether a signal came; the second Ctrl-C interrupts at once."""
    came: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        say("stopping after this step; once more stops at once, without saving")

    if threading.current_thread() is not threading.main_thread():  # only it may handle signals
        yield lambda: False
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_interrupt(_: int) -> None:
    """For worker processes, which Ctrl-C reaches too: their trainer ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
