"""A job from the command line: begun or gone on with, watched, summed up."""

from __future__ import annotations

import json as json_module
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sampipe.cli import _saving, _screen
from sampipe.cli._root import FAILED

if TYPE_CHECKING:
    from sampipe.graph import Graph
    from sampipe.jobs import Job, JobEngine, JobState, Progress

_SHOWN = 10  # errors on the screen; all of them are in the rows


def run_job(
    graph: Graph,
    words: Sequence[str],
    *,
    folder: Path,
    kinds: Sequence[str],
    resume: bool,
    batch_size: int,
    readers: int,
    json: bool,
    engine: JobEngine | None = None,
) -> None:
    """Run a graph as a job in ``folder``; print a summary, or events.

    Raises:
        typer.Exit: with code 1, if an image failed; the reasons were printed.
        DataError: the folder holds a job and ``resume`` is not asked for, or the other way round.
    """
    from sampipe.jobs import Job

    unfound = _begin(folder, words, resume)
    saving = _saving.with_saving(graph, [kind for kind in kinds if kind not in _saving.COLLECTED], folder)
    job = Job(
        folder,
        graph,
        running=saving.graph,
        save=kinds,
        after=saving.save_pictures,
        settle=saving.settle,
        batch_size=batch_size,
        readers=readers,
    )
    shown = _Events() if json else _Bar()
    with _interruptible(job, folder), shown.open(job.state()):
        with redirect_stdout(sys.stderr):  # Ray prints its complaints to stdout
            state = job.run(shown.row, engine=engine)
        files = _write_collected(job, folder, kinds)
    shown.end(state, folder, [*files, *saving.shared_files()])
    for word, why in unfound:
        _screen.note(f"error: {word}: {why}")
    if state.errors or unfound:
        raise typer.Exit(FAILED)


def _begin(folder: Path, words: Sequence[str], resume: bool) -> list[tuple[str, str]]:
    """See to it that the folder has its manifest; what could not be found, and why."""
    from sampipe.cli._sources import expand
    from sampipe.errors import DataError
    from sampipe.jobs.manifest import MANIFEST, read_manifest, write_entries, write_manifest

    file = folder / MANIFEST
    if resume:
        if words:
            raise typer.BadParameter("--resume goes on with the job's own images; leave IMAGE... out")
        if not file.exists():
            raise DataError(f"{folder} holds no job that could go on: there is no {MANIFEST}. Begin without --resume.")
        return []
    if file.exists():
        raise DataError(f"{folder} holds a job already. Go on with it by --resume, or choose another --out.")
    if len(words) == 1 and words[0].endswith(".parquet"):
        write_entries(read_manifest(words[0]), file)
        return []
    sources, unfound = expand(words)
    if not sources:
        raise DataError("; ".join(f"{word}: {why}" for word, why in unfound))
    write_manifest(sources, file)
    return unfound


def _write_collected(job: Job, folder: Path, kinds: Sequence[str]) -> list[Path]:
    """The files about all images, made of the rows: those of earlier runs are in them."""
    from sampipe.jobs.exports import write_coco, write_cvat
    from sampipe.jobs.job import ROWS

    write = {"coco": write_coco, "cvat": write_cvat}
    files = []
    for output in job.masks:
        for kind in (kind for kind in kinds if kind in _saving.COLLECTED):
            path = (folder / output if len(job.masks) > 1 else folder) / _saving.COLLECTED[kind]
            write[kind](folder / ROWS, output, path)
            files.append(path)
    return files


@contextmanager
def _interruptible(job: Job, folder: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        state = job.state()
        _screen.note(f"{state.done} of {state.total} images are done; --resume --out {folder} goes on")
        raise


class _Bar:
    """A progress bar on a terminal, and a summary at the end."""

    def __init__(self) -> None:
        self._objects = 0
        self._errors: list[str] = []
        self._began = time.monotonic()
        self._here = 0

    @contextmanager
    def open(self, state: JobState) -> Iterator[None]:
        with _screen.progress_bar("images") as self._advance:
            if state.done:
                _screen.note(f"{state.done} of {state.total} images were done already")
            yield

    def row(self, progress: Progress) -> None:
        row, state = progress.row, progress.state
        self._objects += _objects(row)
        self._here += 1
        if row["error"] is not None:
            self._errors.append(row["error"])
        parts = [f"{progress.images_per_second:.1f} images/s", f"{progress.cache_hits} cache hits"]
        parts += [f"{state.errors} errors"] if state.errors else []
        parts += [f"{progress.device_memory / 2**30:.1f} GiB on the device"] if progress.device_memory else []
        self._advance(state.done, state.total, ", ".join(parts))

    def end(self, state: JobState, folder: Path, files: Sequence[Path]) -> None:
        for error in self._errors[:_SHOWN]:
            _screen.note(f"error: {error}")
        if len(self._errors) > _SHOWN:
            _screen.note(f"and {len(self._errors) - _SHOWN} more errors; the rows have them all")
        seconds = time.monotonic() - self._began
        rate = f" in {seconds:.1f} s" if self._here else ""
        print(f"{_count(self._objects, 'object')} in {_count(self._here, 'image')}{rate}; {_tally(state)}")
        print(folder / "rows", *files, sep="\n")


class _Events:
    """A JSON document a line on what is stdout now."""

    def __init__(self) -> None:
        self._out = sys.stdout

    def _event(self, kind: str, **values: Any) -> None:
        print(json_module.dumps({"event": kind, **values}, allow_nan=False), file=self._out, flush=True)

    @contextmanager
    def open(self, state: JobState) -> Iterator[None]:
        self._event("begin", total=state.total, done=state.done)
        yield

    def row(self, progress: Progress) -> None:
        row, state = progress.row, progress.state
        self._event(
            "image",
            path=row["path"],
            error=row["error"],
            objects=_objects(row),
            seconds=row.get("seconds"),
            done=state.done,
            total=state.total,
            errors=state.errors,
            images_per_second=progress.images_per_second,
            seconds_left=progress.seconds_left,
            cache_hits=progress.cache_hits,
            device_memory=progress.device_memory,
        )

    def end(self, state: JobState, folder: Path, files: Sequence[Path]) -> None:
        rows = [str(folder / "rows"), *map(str, files)]
        self._event("end", total=state.total, done=state.done, errors=state.errors, files=rows)


def _objects(row: dict[str, Any]) -> int:
    return sum(len(value) for value in row.values() if isinstance(value, list))


def _tally(state: JobState) -> str:
    errors = f", {_count(state.errors, 'error')}" if state.errors else ""
    return f"{state.done} of {_count(state.total, 'row')}{errors}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
