"""A job's images done by a Ray cluster."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sampipe.jobs.job import Job
from sampipe.jobs.manifest import Entry, write_entries
from sampipe.jobs.ray.dataset import rows_of
from sampipe.jobs.ray.pool import Pool
from sampipe.jobs.shards import drop_doubles, next_number, read_shard, shard_files

_NOTES = "crashes"
_TODO = "todo"
_LOOK = 0.5  # seconds between two looks for new files of rows


def work_off(
    job: Job, todo: Sequence[Entry], row_done: Callable[[dict[str, Any]], object], pool: Pool, max_crashes: int
) -> None:
    """Manifest → actors → files of rows. Ray is connected.

    What is left to do is a manifest of its own, by the paths that have no row: Ray's ``CheckpointConfig`` would keep
    a second list beside the rows.
    """
    import ray.data

    from sampipe.jobs.ray.sink import ShardSink

    if not todo:
        return
    folder = job.folder.absolute()
    notes = folder / _NOTES
    notes.mkdir(exist_ok=True)
    size = _block_size(len(todo), pool, job.rows_per_file)
    blocks = _write_todo(folder / _TODO, todo, size)
    sink = ShardSink(
        folder / job.rows_folder.name, job.masks, number=next_number(job.rows_folder), rows=job.rows_per_file
    )
    at_once = max(pool.images_per_call, job.work.batch_size)
    pool = replace(pool, least=min(pool.least, blocks), most=min(pool.most, blocks), images_per_call=at_once)
    earlier = [str(file) for file in notes.glob("*.json")]
    with _watching(job, row_done):
        with _small_blocks():
            dataset = ray.data.read_parquet(str(folder / _TODO), override_num_blocks=blocks)
        rows_of(dataset, job.work, pool, notes=notes, earlier=earlier, max_crashes=max_crashes).write_datasink(sink)
        drop_doubles(job.rows_folder)
    shutil.rmtree(notes)
    shutil.rmtree(folder / _TODO)


def _block_size(count: int, pool: Pool, most: int) -> int:
    """Images of a block, which is lost and done again when its actor dies: some for each actor, a file at most."""
    return max(1, min(most, -(-count // (4 * pool.most))))


def _write_todo(folder: Path, todo: Sequence[Entry], size: int) -> int:
    """Files of one block each, as Ray does not cut a file by its rows; how many."""
    shutil.rmtree(folder, ignore_errors=True)
    starts = range(0, len(todo), size)
    for start in starts:
        write_entries(todo[start : start + size], folder / f"{start:09}.parquet")
    return len(starts)


@contextmanager
def _small_blocks() -> Iterator[None]:
    """A file a block. Ray's newer reader puts small files together: ten thousand images for one actor, one to die."""
    from ray.data import DataContext

    context = DataContext.get_current()
    before = context.use_datasource_v2
    context.use_datasource_v2 = False
    try:
        yield
    finally:
        context.use_datasource_v2 = before


@contextmanager
def _watching(job: Job, row_done: Callable[[dict[str, Any]], object]) -> Iterator[None]:
    """Tell of rows as their files appear, and of all when the block ends."""
    seen = set(shard_files(job.rows_folder))
    over = threading.Event()
    columns = ["path", "error", "seconds", *(f"{one}.list.element.area" for one in job.masks)]

    def report() -> None:
        for file in shard_files(job.rows_folder):
            if file not in seen:
                seen.add(file)
                for row in read_shard(file, columns):
                    row_done(row)

    def watch() -> None:
        while not over.wait(_LOOK):
            report()

    watcher = threading.Thread(target=watch, name="sampipe-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        report()
