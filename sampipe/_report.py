"""What happened inside a node, told to whoever runs it.

The engine listens with :func:`listening`; code far below calls :func:`count` or :func:`note_device` without
knowing whether anybody does. A ContextVar keeps threads and tasks apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Counters:
    """Events of one node run: ``events["cache_hits"]``, the device it used."""

    events: Counter[str] = field(default_factory=Counter)
    device: str | None = None


_current: ContextVar[Counters | None] = ContextVar("sampipe_counters", default=None)


@contextmanager
def listening() -> Iterator[Counters]:
    """Collect the events of the block; nested listeners hear only their own block."""
    counters = Counters()
    token = _current.set(counters)
    try:
        yield counters
    finally:
        _current.reset(token)


def count(event: str, times: int = 1) -> None:
    """Add to an event's count; does nothing when nobody listens."""
    if (counters := _current.get()) is not None:
        counters.events[event] += times


def note_device(device: str) -> None:
    """Say which device did the work; does nothing when nobody listens."""
    if (counters := _current.get()) is not None:
        counters.device = device
