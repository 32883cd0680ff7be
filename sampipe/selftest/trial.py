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

    job_images: int
    kills: int
    ray_images: int
    ray_kills: int
    inputs: int
    threads: int
    images_per_thread: int
    memory_images: int
    clients: int
    cases: int
    seed: int = 0


FULL = Size(
    job_images=500,
    kills=20,
    ray_images=200,
    ray_kills=5,
    inputs=1000,
    threads=8,
    images_per_thread=200,
    memory_images=10_000,
    clients=50,
    cases=10_000,
)
QUICK = Size(
    job_images=100,
    kills=5,
    ray_images=60,
    ray_kills=2,
    inputs=200,
    threads=8,
    images_per_thread=10,
    memory_images=300,
    clients=50,
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
