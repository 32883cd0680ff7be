"""What happens to a job on a Ray cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from sampipe._optional import require
from sampipe.jobs.shards import shard_files
from sampipe.measure.faults.images import write_images
from sampipe.measure.faults.jobs import count, prepare
from sampipe.measure.faults.trial import Outcome, Size
from sampipe.measure.faults.worker import begin

_PATIENCE = 300.0  # seconds until a cluster has done something


def ray_kills(size: Size, folder: Path) -> Outcome:
    """``kill -9`` for an actor, then for the driver with its cluster, in turns; then the job is resumed to its end."""
    require("ray", "ray")
    notes = folder / "processes"
    notes.mkdir()
    paths = write_images(folder / "images", size.ray_images)
    job = prepare(folder / "job", paths, seconds=0.2, notes=str(notes))
    actors = drivers = 0
    driver: subprocess.Popen[str] | None = None
    while actors + drivers < size.ray_kills:
        driver = driver or begin(job, engine="ray")
        if actors <= drivers:
            _wait_for(driver, lambda: any(notes.iterdir()))
            actors += _kill_one_of(notes)
        else:
            _wait_for(driver, _More(job / "rows"))
            driver.kill()
            driver.communicate()
            drivers, driver = drivers + 1, None
            for note in notes.iterdir():
                note.unlink()
    driver = driver or begin(job, engine="ray")
    _, said = driver.communicate()
    lost, twice, broken = count(job)
    figures = (
        f"{actors} actors and {drivers} drivers killed in a job of {size.ray_images}: {lost} lost, {twice} twice, "
    )
    figures += f"{broken} partial files" + (f"; {said[-200:]}" if driver.returncode else "")
    return Outcome(driver.returncode == 0 and not (lost or twice or broken), figures)


class _More:
    """Whether a folder has more files of rows than it had."""

    def __init__(self, rows: Path) -> None:
        self._rows, self._before = rows, len(shard_files(rows))

    def __call__(self) -> bool:
        return len(shard_files(self._rows)) > self._before


def _wait_for(driver: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not happened() and time.monotonic() < end:
        if driver.poll() is not None:
            raise RuntimeError(f"the driver ended by itself: {driver.communicate()[1][-500:]}")
        time.sleep(0.05)


def _kill_one_of(notes: Path) -> int:
    """Kill a process that left its number; how many were killed."""
    for note in notes.iterdir():
        note.unlink()
        try:
            os.kill(int(note.name), signal.SIGKILL)
            return 1
        except ProcessLookupError:
            continue
    return 0
