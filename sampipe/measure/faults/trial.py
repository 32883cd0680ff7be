"""A trial, how large it is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything.

    Args:
        job_images, kills: of the local job that is killed.
        ray_images, ray_kills: of the Ray job; actor and driver take turns.
        inputs: of which one in twenty is bad.
        threads, images_per_thread: on one graph.
        memory_images: that go through the embedded model.
        clients: of the page, all at once.
        cases: of each property.
        seed: of all that is random.
    """

    job_images: int = 500
    kills: int = 20
    ray_images: int = 200
    ray_kills: int = 5
    inputs: int = 1000
    threads: int = 8
    images_per_thread: int = 200
    memory_images: int = 10_000
    clients: int = 50
    cases: int = 10_000
    seed: int = 0


FULL = Size()
QUICK = Size(
    job_images=100,
    kills=5,
    ray_images=60,
    ray_kills=2,
    inputs=200,
    images_per_thread=10,
    memory_images=300,
    cases=300,
)


@dataclass(frozen=True)
class Outcome:
    """What a trial found.

    Args:
        ok: whether all promises were kept.
        figures: what was counted, in words.
    """

    ok: bool
    figures: str


@dataclass(frozen=True)
class Trial:
    """One fault.

    Args:
        name: for ``--only``.
        fault: what is done.
        run: does it in an empty folder; may raise MissingDependencyError.
    """

    name: str
    fault: str
    run: Callable[[Size, Path], Outcome]
