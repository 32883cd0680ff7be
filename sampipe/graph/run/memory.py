"""How far memory rose during a piece of work, as cheaply as the system tells it.

The operating system keeps the resident size now and the highest it ever was; torch keeps the same two numbers
for each GPU. A rise of the highest says how far the work went; otherwise what is left after it must do.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import Any

try:
    import resource
except ImportError:  # Windows keeps no such numbers where Python can read them without a package
    resource = None  # type: ignore[assignment]

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


class MemoryRise:
    """Measures from its making to :meth:`bytes`. Other threads' work is in the figure too."""

    def __init__(self) -> None:
        self._cuda = _cuda()
        self._before = self._now()

    def bytes(self) -> int:
        """Bytes above the start at the highest point known; 0 where the system does not tell."""
        rises = [0]
        for (now, peak), (now_before, peak_before) in zip(self._now(), self._before, strict=True):
            rises.append((peak if peak > peak_before else now) - now_before)
        return max(rises)

    def _now(self) -> list[tuple[int, int]]:
        numbers = [_process()]
        if self._cuda is not None:
            numbers.append((self._cuda.memory_allocated(), self._cuda.max_memory_allocated()))
        return numbers


def resident_bytes() -> int:
    """What this process has in memory; on Windows 0, on macOS the most it ever had."""
    return _process()[0]


def _process() -> tuple[int, int]:
    if sys.platform == "linux":  # getrusage there starts at the size of the process that started this one
        status = os.pread(_status_file(os.getpid()), 1 << 13, 0)
        return _kibibytes(status, b"VmRSS:"), _kibibytes(status, b"VmHWM:")
    if resource is None:
        return 0, 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
    return peak, peak


@lru_cache(maxsize=1)
def _status_file(process: int) -> int:
    """Opened once, as opening takes longer than reading; a forked process has another number and opens its own."""
    return os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)


def _kibibytes(status: bytes, name: bytes) -> int:
    """A line such as ``VmRSS:    1234 kB``, in bytes."""
    start = status.find(name)
    return 0 if start < 0 else int(status[start + len(name) : status.index(b"kB", start)]) * 1024


def _cuda() -> Any:
    """torch.cuda, when something in this process uses it already."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None
