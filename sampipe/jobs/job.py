"""A job on this machine: read ahead, run, write; stop anywhere and go on."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sampipe.errors import DataError, NodeError
from sampipe.graph import Graph
from sampipe.graph.result import Result
from sampipe.jobs.fingerprint import FINGERPRINT, check_fingerprint, fingerprint, write_fingerprint
from sampipe.jobs.manifest import MANIFEST, Entry, read_manifest
from sampipe.jobs.reading import read_ahead
from sampipe.jobs.rows import error_row, result_row, row_schema
from sampipe.jobs.shards import ShardWriter, read_rows
from sampipe.jobs.suspects import Suspects
from sampipe.jobs.writing import Writer
from sampipe.types import Image, Masks

ROWS = "rows"


@dataclass(frozen=True)
class JobState:
    """How far a job is: rows wanted, rows there, and how many of those hold an error."""

    total: int
    done: int
    errors: int


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


class Job:
    """A graph over the images of a manifest, one row each.

    ::

        write_manifest(["a.jpg", "b.jpg"], folder / "manifest.parquet")
        Job(folder, graph).run()

    Args:
        folder: of the job; holds ``manifest.parquet``.
        graph: takes an input ``image``.
        masks: the names of its outputs that become columns; by default all that are Masks.
        running: ``graph`` with nodes of its own behind it (exports); by default ``graph`` itself.
        save: what else is made of it; part of the fingerprint.
        after: called with each result, in this thread.
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
        masks: Sequence[str] | None = None,
        running: Graph | None = None,
        save: Sequence[str] = (),
        after: Callable[[Result], object] = lambda result: None,
        batch_size: int = 1,
        readers: int = 2,
        rows_per_file: int = 256,
    ) -> None:
        self.folder, self.graph = Path(folder), graph
        self.running = running or graph
        self.masks = tuple(masks if masks is not None else graph.outputs_of(Masks))
        self.save, self._after = tuple(save), after
        self._batch_size, self._readers, self._rows_per_file = batch_size, readers, rows_per_file
        self.entries = read_manifest(self.folder / MANIFEST)

    def state(self) -> JobState:
        """How far it is, read from the rows."""
        errors = [row["error"] is not None for row in read_rows(self.folder / ROWS, ["error"])]
        return JobState(len(self.entries), len(errors), sum(errors))

    def run(self, progress: Callable[[Progress], object] = lambda progress: None) -> JobState:
        """Do what is not done, and check that every image has its one row.

        Raises:
            DataError: another process works on this job; the job began with another graph, weights or parameters;
                or, at the end, rows are missing or there twice.
            OSError: the disk is full, or similar. Rows that have a file stay.
        """
        with self._locked(), self.running:
            self._begin()
            began = time.monotonic()
            finished = {row["path"]: row["error"] for row in read_rows(self.folder / ROWS, ["path", "error"])}
            tally = _Tally(len(self.entries), len(finished), sum(error is not None for error in finished.values()))
            schema = row_schema(self.masks)
            with ShardWriter(self.folder / ROWS, schema, rows=self._rows_per_file) as shards, Writer() as writer:
                todo = [entry for entry in self.entries if entry.path not in finished]
                for row, hits in writer.in_order(self._rows(todo), then=shards.add):
                    progress(tally.with_row(row, hits, time.monotonic() - began))
            return self._checked()

    def _begin(self) -> None:
        found = fingerprint(self.graph, self.entries, self.save)
        if any(read_rows(self.folder / ROWS, ["path"])) or (self.folder / FINGERPRINT).exists():
            check_fingerprint(self.folder, found)
        else:
            write_fingerprint(self.folder, found)

    def _rows(self, todo: Sequence[Entry]) -> Iterator[tuple[Callable[[], dict[str, Any]], int]]:
        """For each image, what makes its row (for another thread), and its cache hits. Suspects come last, alone."""
        suspects = Suspects(self.folder)
        known = suspects.paths
        yield from self._worked([entry for entry in todo if entry.path not in known], suspects, alone=False)
        for entry in (entry for entry in todo if entry.path in known):
            if suspects.given_up(entry.path):
                reason = "given up: each time this image was worked on alone, the process died"
                yield _always(error_row(entry, reason)), 0
            else:
                yield from self._worked([entry], suspects, alone=True)
        suspects.clear()

    def _worked(
        self, todo: Sequence[Entry], suspects: Suspects, *, alone: bool
    ) -> Iterator[tuple[Callable[[], dict[str, Any]], int]]:
        fed: deque[tuple[Entry, Image | Exception]] = deque()

        def images() -> Iterator[Image]:
            for entry, image in read_ahead(todo, readers=1 if alone else self._readers):
                fed.append((entry, image))
                if isinstance(image, Image):
                    suspects.begins(entry.path, alone=alone)
                    yield image

        for result in self.running.map(images(), batch_size=self._batch_size, on_error="return"):
            yield from _unreadable(fed)
            entry, image = fed.popleft()
            assert isinstance(image, Image)
            suspects.ended(entry.path)
            if isinstance(result, NodeError):
                yield _always(error_row(entry, str(result))), 0
            else:
                yield self._made(entry, image.hw, result), sum(one.cache_hits for one in result.report.values())
        yield from _unreadable(fed)

    def _made(self, entry: Entry, hw: tuple[int, int], result: Result) -> Callable[[], dict[str, Any]]:
        try:
            self._after(result)
        except OSError as error:
            return _always(error_row(entry, str(error)))
        return lambda: result_row(entry, hw, result, self.masks)

    def _locked(self) -> Any:
        lock = FileLock(self.folder / ".lock")
        try:
            return lock.acquire(blocking=False)
        except Timeout as error:
            raise DataError(f"Another process works on the job in {self.folder}. Wait for it, or stop it.") from error

    def _checked(self) -> JobState:
        rows = Counter(row["path"] for row in read_rows(self.folder / ROWS, ["path"]))
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


def _unreadable(fed: deque[tuple[Entry, Image | Exception]]) -> Iterator[tuple[Callable[[], dict[str, Any]], int]]:
    """Rows of the images at the head of the queue that never went into the graph."""
    while fed and isinstance(fed[0][1], Exception):
        entry, error = fed.popleft()
        yield _always(error_row(entry, str(error))), 0


def _always(row: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    return lambda: row


def _device_memory() -> int:
    import torch

    return torch.cuda.memory_allocated() if torch.cuda.is_initialized() else 0
