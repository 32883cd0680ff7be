"""Files that are complete or not there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file beside ``path`` to write to; it takes that name when the block ends well, and goes when not.

    The final name never holds a part of the file, whenever the process dies. Missing folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        partial.touch(exist_ok=False)
        mode = partial.stat().st_mode  # what the umask allows; some writers replace the file by a private one
        yield partial
        partial.chmod(mode)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_atomic(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file, whole or not at all (:func:`atomic_file`)."""
    with atomic_file(path) as partial:
        partial.write_bytes(content)
