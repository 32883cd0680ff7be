"""A job's folder made ready: a new manifest in it, an earlier job out of the way where that costs nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sampipe.data.job_folder import MANIFEST
from sampipe.errors import DataError
from sampipe.jobs.crash_log import CRASHES
from sampipe.jobs.fingerprint import FINGERPRINT
from sampipe.jobs.manifest import read_manifest
from sampipe.jobs.shards import read_rows

ROWS = "rows"


def locked(folder: Path) -> Any:
    """The lock of a job, taken.

    Raises:
        DataError: another process has it.
    """
    lock = FileLock(folder / ".lock")
    try:
        return lock.acquire(blocking=False)
    except Timeout as error:
        raise DataError(f"Another process works on the job in {folder}. Wait for it, or stop it.") from error


def begin(folder: Path, write: Callable[[Path], object], *, replace_finished: bool = False) -> None:
    """Write a job's manifest into ``folder``.

    Args:
        folder: made where it is missing. An earlier job without any row, one that failed before its first image, does
            not stand in the way.
        write: writes the manifest to the path that it gets.
        replace_finished: neither does one that is done.

    Raises:
        DataError: it holds a job with rows, or another process works there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if (folder / MANIFEST).exists():
            _remove_earlier(folder, replace_finished)
        write(folder / MANIFEST)


def _remove_earlier(folder: Path, replace_finished: bool) -> None:
    done = sum(1 for _ in read_rows(folder / ROWS, ["path"]))
    if done:
        total = len(read_manifest(folder / MANIFEST))
        if not (replace_finished and done >= total):
            raise DataError(
                f"{folder} holds a job already ({done} of {total} images are done). Resume it with --resume, or "
                "choose another --out."
            )
    shutil.rmtree(folder / ROWS, ignore_errors=True)
    for name in (FINGERPRINT, CRASHES):
        (folder / name).unlink(missing_ok=True)
