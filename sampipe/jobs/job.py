"""A job: read ahead, run, write; stop anywhere and resume."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from sampipe.data.job_folder import MANIFEST
from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.graph.result import Result
from sampipe.jobs.begin import ROWS, locked
from sampipe.jobs.crash_log import CRASHES, CrashLog
from sampipe.jobs.fingerprint import FINGERPRINT, check_fingerprint, fingerprint, write_fingerprint
from sampipe.jobs.manifest import Entry, read_manifest
from sampipe.jobs.rows import row_schema
from sampipe.jobs.shards import ShardWriter, read_rows
from sampipe.jobs.work import Work
from sampipe.jobs.writing import Writer
from sampipe.types import Masks


def nothing(_: object) -> None:
    """What a job does with results and names unless told otherwise."""


@dataclass(frozen=True)
class JobState:
    """How far a job is: rows wanted, rows there, and how many of those hold an error.

    ``left_out`` says, once it is over, what files of prompts hold that no image of the job has met.
    """

    total: int
    done: int
    errors: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """One image more.

    Args:
        row: its row, as written.
        state: of the job, this row counted.
        images_per_second: since this process began the job.
        seconds_left: at that rate.
        cache_hits: embeddings that were there already.
        device_memory: bytes that torch holds on a GPU; 0 without one.
    """

    row: dict[str, Any]
    state: JobState
    images_per_second: float
    seconds_left: float
    cache_hits: int
    device_memory: int


@runtime_checkable
class JobEngine(Protocol):
    """Does a job's images elsewhere; an engine of the group ``sampipe.engines`` may be one."""

    def with_options(self, **options: Any) -> JobEngine:
        """The engine as the command line asks for it: address, actors, cpus, gpus, threads, restarts."""
        ...

    def work_off(self, job: Job, todo: Sequence[Entry], row_done: Callable[[dict[str, Any]], object]) -> None:
        """Write a row for each of ``todo`` into files of ``job.rows_folder``, whole or not at all, none twice.

        ``row_done`` wants to hear of each row, from one thread at a time; of its columns ``path`` and ``error`` at
        least.
        """


class Job:
    """A graph over the images of a manifest, one row each.

    ::

        write_manifest(["a.jpg", "b.jpg"], folder / "manifest.parquet")
        Job(folder, graph).run()

    Args:
        folder: of the job; holds ``manifest.parquet``.
        graph: takes an input ``image``.
        inputs: its other inputs, the same for every image; part of the fingerprint.
        masks: the names of its outputs that become columns; by default all that are Masks.
        running: ``graph`` with nodes of its own behind it (exports); by default ``graph`` itself.
        save: what else is made of it; part of the fingerprint.
        after: called with each result, where the graph runs.
        settle: called with the names of files by image path before these images are worked on.
        batch_size: images that a node with ``run_batch`` gets at once.
        readers: threads that read and decode images.
        rows_per_file: of a shard.

    Raises:
        DataError: no manifest, or the folder holds a job that began with something else.
    """

    def __init__(
        self,
        folder: str | Path,
        graph: Graph,
        *,
        inputs: Mapping[str, Any] | None = None,
        masks: Sequence[str] | None = None,
        running: Graph | None = None,
        save: Sequence[str] = (),
        after: Callable[[Result], object] = nothing,
        settle: Callable[[Mapping[str, str]], object] = nothing,
        batch_size: int = 1,
        readers: int = 2,
        rows_per_file: int = 256,
    ) -> None:
        self.folder, self.graph = Path(folder), graph
        self.masks = tuple(masks if masks is not None else graph.outputs_of(Masks))
        self.inputs = dict(inputs or {})
        self.work = Work(running or graph, self.masks, after, settle, batch_size, readers, self.inputs)
        self.save, self.rows_per_file = tuple(save), rows_per_file
        self.rows_folder = self.folder / ROWS
        self.entries = read_manifest(self.folder / MANIFEST)

    def state(self) -> JobState:
        """How far it is, read from the rows."""
        errors = [row["error"] is not None for row in read_rows(self.rows_folder, ["error"])]
        return JobState(len(self.entries), len(errors), sum(errors))

    def run(
        self, progress: Callable[[Progress], object] = lambda progress: None, *, engine: JobEngine | None = None
    ) -> JobState:
        """Do what is not done, and check that every image has its one row.

        Args:
            progress: hears of each row.
            engine: who does the work; None: this process.

        Raises:
            DataError: another process works on this job; the job began with another graph, weights or parameters;
                or, at the end, rows are missing or there twice.
            OSError: the disk is full, or similar. Rows that have a file stay.
        """
        with locked(self.folder):
            began = time.monotonic()
            finished = {row["path"]: row["error"] for row in read_rows(self.rows_folder, ["path", "error"])}
            tally = _Tally(len(self.entries), len(finished), sum(error is not None for error in finished.values()))
            todo = [entry for entry in self.entries if entry.path not in finished]

            def row_done(row: dict[str, Any], hits: int = 0) -> None:
                progress(tally.with_row(row, hits, time.monotonic() - began))

            if engine is None:
                left_out = self._work_off(todo, row_done)
            else:
                try:
                    self._begin()
                    left_out = self._left_out()
                finally:
                    self.graph.close()  # what the digests of weights loaded is not needed here
                engine.work_off(self, todo, row_done)
            return replace(self._checked(), left_out=left_out)

    def _left_out(self) -> tuple[str, ...]:
        return tuple(self.graph.left_out([entry.path for entry in self.entries]))

    def _work_off(self, todo: Sequence[Entry], row_done: Callable[[dict[str, Any], int], object]) -> tuple[str, ...]:
        with self.work.graph:
            self._begin()
            crashes = CrashLog(self.folder / CRASHES)
            schema = row_schema(self.masks)
            with ShardWriter(self.rows_folder, schema, rows=self.rows_per_file) as shards, Writer() as writer:
                for row, hits in writer.in_order(self.work.rows(todo, crashes), then=shards.add):
                    row_done(row, hits)
            crashes.clear()
            return self._left_out()

    def _begin(self) -> None:
        found = fingerprint(self.graph, self.entries, self.save, self.inputs)
        if any(read_rows(self.rows_folder, ["path"])) or (self.folder / FINGERPRINT).exists():
            check_fingerprint(self.folder, found)
        else:
            write_fingerprint(self.folder, found, self.entries)

    def _checked(self) -> JobState:
        rows = Counter(row["path"] for row in read_rows(self.rows_folder, ["path"]))
        wanted = {entry.path for entry in self.entries}
        missing, twice = wanted - rows.keys(), [path for path, count in rows.items() if count > 1]
        if missing or twice or rows.keys() - wanted:
            raise DataError(
                f"{self.folder}: the manifest has {len(wanted)} images, and of those {len(missing)} have no row, "
                f"{len(twice)} have several; {len(rows.keys() - wanted)} rows belong to none. First of them: "
                f"{[*sorted(missing), *twice, *sorted(rows.keys() - wanted)][0]}. Files were taken from the folder "
                "or put there; begin again in another one."
            )
        return self.state()


@dataclass
class _Tally:
    total: int
    done: int
    errors: int
    hits: int = 0
    here: int = 0

    def with_row(self, row: dict[str, Any], hits: int, seconds: float) -> Progress:
        self.done, self.here, self.hits = self.done + 1, self.here + 1, self.hits + hits
        self.errors += row["error"] is not None
        rate = self.here / max(seconds, 1e-9)
        return Progress(
            row=row,
            state=JobState(self.total, self.done, self.errors),
            images_per_second=rate,
            seconds_left=(self.total - self.done) / rate,
            cache_hits=self.hits,
            device_memory=_device_memory(),
        )


def _device_memory() -> int:
    import torch

    return torch.cuda.memory_allocated() if torch.cuda.is_initialized() else 0
