"""How many cores this process may use, and a worker on each of them.

Inside one operator several threads meet at a barrier thousands of times a second. Beside other busy processes one of
them waits for a core while the others spin for it. So independent pieces (objects, images) each go to a worker with
one thread of its own, and only what is large and single uses torch's threads.
"""

from __future__ import annotations

import contextvars
import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def cores() -> int:
    """Cores that this process may use: its affinity, and what the quotas of its control groups allow; at least 1.

    Part of a core counts for nothing: a thread that is stopped when the quota is spent holds up those that wait for it.
    """
    return max(1, min([visible_cores(), *map(int, _quotas())]))


def visible_cores() -> int:
    """Cores of this process's affinity, whatever its quota."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def prepare_threads() -> None:
    """Settings of OpenMP for a program's own process; of use before torch is loaded, and users' own ones stay.

    Threads wait at barriers without spinning, and are no more than :func:`cores` where a quota allows fewer than
    torch would see.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if cores() < visible_cores():
        os.environ.setdefault("OMP_NUM_THREADS", str(cores()))


def map_on_cores(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """``[work(item) for item in items]``, a worker a core, each with one thread inside torch's operators.

    Workers see the caller's context variables, but not its ``torch.inference_mode``. There are as many as
    ``torch.get_num_threads()`` and :func:`cores` allow, for all callers together; inside a worker, and for a single
    item, the work is done where it is called. The first error is raised when all are done.
    """
    count = worker_count()
    if min(count, len(items)) < 2:
        return [work(item) for item in items]
    futures = [_pool(count).submit(contextvars.copy_context().run, work, item) for item in items]
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]
    return [future.result() for future in futures]


def worker_count() -> int:
    """Workers that :func:`map_on_cores` would use here."""
    import torch

    return min(torch.get_num_threads(), cores())


@functools.cache
def _pool(count: int) -> ThreadPoolExecutor:
    """Threads that live as long as the process, all of them started."""
    import torch

    threads, started = torch.get_num_threads(), threading.Barrier(count)

    def use_one_thread() -> None:
        torch.get_num_threads()  # a thread's first question sets it up, and would undo what comes next
        torch.set_num_threads(1)

    pool = ThreadPoolExecutor(count, thread_name_prefix="sampipe-core", initializer=use_one_thread)
    for future in [pool.submit(started.wait) for _ in range(count)]:
        future.result()
    torch.set_num_threads(threads)  # new threads begin with what was set last, in whichever thread
    return pool


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the threads stay with the parent


def _quotas() -> Iterator[float]:
    """Cores' worth of time that this process's control group and those around it may use."""
    try:
        lines = _OWN_CGROUP.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, own = line.split(":", 2)
        version_1 = "cpu" in controllers.split(",")
        if controllers and not version_1:
            continue
        root = _CGROUPS / "cpu" if version_1 else _CGROUPS
        folder = root / own.lstrip("/")
        for place in [folder, *folder.parents]:
            yield from _quota(place, version_1=version_1)
            if place == root:
                break


def _quota(folder: Path, *, version_1: bool) -> Iterator[float]:
    names = ("cpu.cfs_quota_us", "cpu.cfs_period_us") if version_1 else ("cpu.max",)
    try:
        words = " ".join((folder / name).read_text(encoding="ascii") for name in names).split()
    except OSError:
        return
    quota, period = words[0], words[1]
    if quota not in ("max", "-1"):
        yield int(quota) / int(period)
