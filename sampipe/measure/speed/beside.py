"""Other work on the same machine, for figures of a server or of a laptop in use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_SPIN = "while True: sum(range(1_000_000))"


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many processes that want a core each, for as long as the block lasts."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-S", "-c", _SPIN])
            stack.callback(process.wait)
            stack.callback(process.kill)  # callbacks run in reverse: first this one
        yield
