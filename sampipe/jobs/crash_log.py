"""Which images were being worked on when a job died, so that one that kills its process cannot do it for ever."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

CRASHES = "crashes.json"
MAX_CRASHES = 3
"""An image during which, all alone, the process died so often is given up."""


class CrashLog:
    """A small file in the job's folder.

    Images that were under way when the process died are done last and one at a time, so that a death tells which one
    it was. A job killed from outside makes suspects of the innocent; alone and in peace, they are done.

    Args:
        file: of the process that works; ``JOB/crashes.json`` for a job on one machine.
        max_crashes: so many alone with one image, and it is given up.
        earlier: files of processes that are no more.
    """

    def __init__(self, file: Path, *, max_crashes: int = MAX_CRASHES, earlier: Iterable[Path] = ()) -> None:
        self._file, self._most = file, max_crashes
        self._crashes: Counter[str] = Counter()
        self._under_way: dict[str, None] = {}
        self._alone = False
        self._lock = threading.Lock()  # images begin in the thread that reads, and end in the one that runs
        for one in {file, *earlier}:
            self._read(one)

    @property
    def paths(self) -> set[str]:
        """Images to be done last and alone."""
        return set(self._crashes)

    def given_up(self, path: str) -> bool:
        """Whether the process died too often while nothing but this image was worked on."""
        return self._crashes[path] >= self._most

    def begins(self, path: str, *, alone: bool) -> None:
        """An image goes to work."""
        with self._lock:
            self._under_way[path] = None
            self._alone = alone
            self._write()

    def ended(self, path: str) -> None:
        """It came back, well or with an error."""
        with self._lock:
            self._under_way.pop(path, None)
            self._write()

    def clear(self) -> None:
        """The job is over."""
        self._file.unlink(missing_ok=True)

    def _read(self, file: Path) -> None:
        if file.exists():
            known = json.loads(file.read_text(encoding="utf-8"))
            self._crashes.update(known["crashes"])
            for path in known["under_way"]:
                self._crashes[path] += 1 if known["alone"] else 0  # a key with 0 crashes is a suspect, too

    def _write(self) -> None:
        known = {"crashes": dict(self._crashes), "under_way": list(self._under_way), "alone": self._alone}
        partial = self._file.with_suffix(".part")
        partial.write_text(json.dumps(known), encoding="utf-8")
        partial.replace(self._file)  # no fsync: it has to outlive this process, not the machine
