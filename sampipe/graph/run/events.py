"""What happened inside a node, told to whoever runs it.

The engine listens with :func:`listening`; code far below calls :func:`count` or :func:`note_device` without
knowing whether anybody does. A ContextVar keeps threads and tasks apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Counters:
    """Events of one node run: ``events["cache_hits"]``, the device it used."""

    events: Counter[str] = field(default_factory=Counter)
    device: str | None = None


_progress: ContextVar[Callable[[float], None] | None] = ContextVar("sampipe_progress", default=None)
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


@contextmanager
def following(told: Callable[[float], None]) -> Iterator[None]:
    """Have ``told`` called with how far the long nodes of the block are, 0 to 1; what it raises stops the node."""
    token = _progress.set(told)
    try:
        yield
    finally:
        _progress.reset(token)


def progress(share: float) -> None:
    """Say how far a long node is, 0 to 1; does nothing when nobody follows."""
    if (told := _progress.get()) is not None:
        told(share)
