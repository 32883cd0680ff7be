"""Which images were being worked on when a job died, so that one that kills its process cannot do it for ever."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

_FILE = "suspects.json"
DEATHS = 3
"""An image during which, all alone, the process died so often is given up."""


class Suspects:
    """A small file beside the rows.

    Images that were under way when the process died are done last and one at a time, so that a death tells which one
    it was. A job killed from outside makes suspects of the innocent; alone and in peace, they are done.

    Args:
        folder: of the job.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._deaths: Counter[str] = Counter()
        self._under_way: dict[str, None] = {}
        self._alone = False
        self._lock = threading.Lock()  # images begin in the thread that reads, and end in the one that runs
        self._read()

    @property
    def paths(self) -> set[str]:
        """Images to be done last and alone."""
        return set(self._deaths)

    def given_up(self, path: str) -> bool:
        """Whether the process died too often while nothing but this image was worked on."""
        return self._deaths[path] >= DEATHS

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

    def _read(self) -> None:
        if self._file.exists():
            known = json.loads(self._file.read_text(encoding="utf-8"))
            self._deaths.update(known["deaths"])
            for path in known["under_way"]:
                self._deaths[path] += 1 if known["alone"] else 0  # a key with 0 deaths is a suspect, too

    def _write(self) -> None:
        known = {"deaths": dict(self._deaths), "under_way": list(self._under_way), "alone": self._alone}
        partial = self._file.with_suffix(".part")
        partial.write_text(json.dumps(known), encoding="utf-8")
        partial.replace(self._file)  # no fsync: it has to outlive this process, not the machine
