"""One process or several: ``torchrun`` starts them, and this says who is who (DDP: Li et al. 2020)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from sampipe.errors import DataError
from sampipe.models.device import resolve_device


@dataclass(frozen=True)
class World:
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> World:
        """What ``torchrun`` said; a world of one without it."""
        if int(environment.get("WORLD_SIZE", 1)) == 1:
            return cls()
        return cls(*(int(environment[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))

    @property
    def main(self) -> bool:
        """Whether this process writes the files and speaks."""
        return self.rank == 0

    def device(self, wanted: str) -> torch.device:
        """The device of this process: its own GPU, where there are several processes.

        Raises:
            DataError: it is not there.
        """
        found = resolve_device(wanted)
        if self.size == 1 or found.type == "cpu":
            return found
        if found.type != "cuda":
            raise DataError(f"device: {found.type} trains in one process only; start without torchrun, or use cpu.")
        return resolve_device(f"cuda:{self.local_rank}")

    @contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """The processes in touch with each other: by NCCL on GPUs, by gloo elsewhere."""
        if self.size == 1:
            yield
            return
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        try:
            yield
        finally:
            dist.destroy_process_group()

    def mean(self, values: Sequence[float], device: torch.device) -> list[float]:
        """The mean of each value over processes."""
        return [value / self.size for value in self._reduced(values, device, dist.ReduceOp.SUM)]

    def largest(self, values: Sequence[float], device: torch.device) -> list[float]:
        """The largest of each value over processes."""
        return self._reduced(values, device, dist.ReduceOp.MAX)

    def _reduced(self, values: Sequence[float], device: torch.device, how: Any) -> list[float]:
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(tensor, how)
        found: list[float] = tensor.tolist()
        return found


ALONE = World()
