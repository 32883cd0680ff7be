"""Fetching one file over HTTP: resumed where it broke off, under its final name only when whole and right."""

from __future__ import annotations

import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from sampipe.errors import CheckpointError

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all where known

_BLOCK = 1 << 20
_TIMEOUT = 30.0  # seconds without a byte


class _Interrupted(Exception):
    """The connection broke before the file was whole."""


def fetch(
    url: str,
    target: Path,
    *,
    check: Callable[[Path], object],
    progress: Progress | None = None,
    attempts: int = 5,
    pause: float = 1.0,
) -> None:
    """Download ``url`` to ``target``.

    The bytes gather in ``<target>.part``, which a later call takes up again; then they are checked, synced to
    the disk and renamed. Processes that want the same file wait for each other.

    Args:
        url: http or https.
        target: the final path; its folder is made.
        check: is given the whole file before it gets its name, and raises when it is not the one wanted.
        progress: is told how far it is.
        attempts: how often to resume after a broken connection.
        pause: seconds before the second attempt; doubled each time.

    Raises:
        CheckpointError: it cannot be had (the reason and where to put it by hand), or is not the one wanted.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with FileLock(target.with_name(target.name + ".lock")):
        if target.is_file():
            return  # another process was faster
        for attempt in range(attempts):
            try:
                _transfer(url, part, progress)
                break
            except (_Interrupted, urllib.error.URLError, OSError, http.client.HTTPException) as error:
                if attempt + 1 == attempts or _is_final(error, first=attempt == 0):
                    raise CheckpointError(
                        f"{target.name}: could not be downloaded from {url}: {error}. Try again later (it "
                        f"resumes where it stopped), or download it yourself and put it at {target}."
                    ) from error
                time.sleep(pause * 2**attempt)
        _finish(part, target, check)


def _is_final(error: Exception, *, first: bool) -> bool:
    """Whether trying again is no use: the server is not there or said no, or the disk is full."""
    match error:
        case urllib.error.HTTPError():
            return 400 <= error.code < 500 and error.code not in (408, 429)
        case urllib.error.URLError():
            return first
        case ConnectionError() | TimeoutError() | http.client.HTTPException() | _Interrupted():
            return False
    return True


def _transfer(url: str, part: Path, progress: Progress | None) -> None:
    """Append to ``part`` what is missing of ``url``."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "sampipe", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        if error.code != 416:
            raise
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
            return  # nothing was missing
        part.unlink()
        raise _Interrupted("the part on the disk does not fit the file there is now") from error
    with response:
        if have and response.status != 206:  # the server starts from the beginning, so do we
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        _make_sure_of_room(part, have, total)
        with part.open("ab" if have else "wb") as file:
            while block := response.read(_BLOCK):
                file.write(block)
                have += len(block)
                if progress:
                    progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and have < total:
        raise _Interrupted(f"the connection broke after {have:,} of {total:,} bytes")


def _make_sure_of_room(part: Path, have: int, total: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - have > free:
        raise CheckpointError(f"{part.parent}: {total - have:,} more bytes are to come and {free:,} are free there.")


def _finish(part: Path, target: Path, check: Callable[[Path], object]) -> None:
    try:
        check(part)
    except CheckpointError:
        part.unlink()  # going on with wrong bytes would never come right
        raise
    part.replace(target)
    if os.name == "posix":  # the rename itself must survive a power cut
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
