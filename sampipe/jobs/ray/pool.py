"""How many actors, and what each of them gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sampipe.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A pool of actors that all hold one graph.

    Args:
        least, most: actors; Ray starts more than ``least`` while images wait.
        cpus, gpus: that Ray reserves for each; fractions share one.
        threads: of each actor's libraries; None: as many as ``cpus``, at least one. Ray itself gives one thread to an
            actor with one CPU, whatever torch would do alone.
        restarts: how often each actor may die and be started again. Ray's own default is for ever.
        images_per_call: that an actor gets at once.

    Raises:
        DataError: numbers that make no pool.
    """

    least: int = 1
    most: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    threads: int | None = None
    restarts: int = 16
    images_per_call: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise DataError(f"actors: got {self.least} to {self.most}, wanted a range that begins at 1 or above")
        if self.cpus < 0 or self.gpus < 0 or not (self.cpus or self.gpus):
            raise DataError(f"got {self.cpus} CPUs and {self.gpus} GPUs for each actor, wanted some of one of them")
        if self.threads is not None and self.threads < 1:
            raise DataError(f"threads: got {self.threads}, wanted at least 1")
        if self.restarts < 0 or self.images_per_call < 1:
            raise DataError(
                f"got {self.restarts} restarts and {self.images_per_call} images a call, wanted 0 or more and 1 or more"
            )

    @property
    def thread_count(self) -> int:
        """Threads of each actor."""
        return self.threads or max(1, int(self.cpus))

    def actor_options(self) -> dict[str, Any]:
        """Options of an actor, as ``ray.remote`` and ``map_batches`` take them."""
        environment = {"OMP_NUM_THREADS": str(self.thread_count), "OMP_WAIT_POLICY": "PASSIVE"}
        return {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "max_restarts": self.restarts,
            "max_task_retries": self.restarts,
            "runtime_env": {"env_vars": environment},  # before torch loads
        }

    def map_options(self) -> dict[str, Any]:
        """What ``Dataset.map_batches`` is told beside the class."""
        from ray.data import ActorPoolStrategy

        return {
            "compute": ActorPoolStrategy(min_size=self.least, max_size=self.most),
            "batch_size": int(self.images_per_call),
            "batch_format": "pyarrow",
            "zero_copy_batch": True,
            **self.actor_options(),
        }
