"""What happens to jobs: kills, bad inputs, a full disk."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sampipe.jobs import Job, read_manifest, read_rows, write_manifest
from sampipe.jobs.shards import read_shard, shard_files
from sampipe.measure.faults.graphs import halves
from sampipe.measure.faults.images import bad_files, write_images
from sampipe.measure.faults.trial import Outcome, Size
from sampipe.measure.faults.worker import begin, job_of


def prepare(folder: Path, paths: Iterable[str], **graph: Any) -> Path:
    """A job's folder, with its graph."""
    write_manifest(paths, folder / "manifest.parquet")
    (folder / "graph.json").write_text(json.dumps(graph))
    return folder


def count(folder: Path) -> tuple[int, int, int]:
    """Images without a row, images with several, and files of rows that cannot be read."""
    rows: Counter[str] = Counter()
    partial = 0
    for file in shard_files(folder / "rows"):
        try:
            rows.update(row["path"] for row in read_shard(file, ["path"]))
        except Exception:  # whatever a cut file makes the reader raise
            partial += 1
    wanted = {entry.path for entry in read_manifest(folder / "manifest.parquet")}
    return len(wanted - rows.keys()), sum(times > 1 for times in rows.values()), partial


def kills(size: Size, folder: Path) -> Outcome:
    """``kill -9`` after a random number of images, again and again; then the job is resumed to its end."""
    rng = random.Random(size.seed)
    prepare(folder / "job", write_images(folder / "images", size.job_images), seconds=0.01)
    killed = partial = 0
    while killed < size.kills:
        process = begin(folder / "job")
        assert process.stdout is not None
        for _ in range(rng.randrange(1, max(2, size.job_images // size.kills))):
            if not process.stdout.readline():
                break
        time.sleep(rng.uniform(0, 0.02))
        if process.poll() is not None:  # done before its time
            break
        process.kill()
        process.communicate()
        killed += 1
        partial += count(folder / "job")[2]
    left = count(folder / "job")[0]
    job_of(folder / "job").run()
    lost, twice, broken = count(folder / "job")
    figures = f"{killed} kills of a job of {size.job_images}, {left} left for the last run: "
    figures += f"{lost} lost, {twice} twice, {partial + broken} partial files"
    return Outcome(killed == size.kills and not (lost or twice or partial or broken), figures)


def bad_inputs(size: Size, folder: Path) -> Outcome:
    """One input in twenty is no image."""
    paths = write_images(folder / "images", size.inputs)
    kinds = [*bad_files().values(), None]
    bad = set()
    for index, path in enumerate(paths[::20]):
        content = kinds[index % len(kinds)]
        Path(path).unlink() if content is None else Path(path).write_bytes(content)
        bad.add(path)
    prepare(folder / "job", paths)
    Job(folder / "job", halves()).run()
    rows = list(read_rows(folder / "job" / "rows"))
    wrong = {row["path"] for row in rows if row["error"] is not None}
    unnamed = sum(row["path"] not in row["error"] for row in rows if row["error"] is not None)
    figures = (
        f"{size.inputs} inputs: {len(rows) - len(wrong)} rows and {len(wrong)} error rows, {unnamed} of them unnamed"
    )
    return Outcome(len(rows) == size.inputs and wrong == bad and not unnamed, figures)


def full_disk(size: Size, folder: Path) -> Outcome:
    """No file may grow above a few kilobytes; then it may, and the job is resumed."""
    prepare(folder / "job", write_images(folder / "images", 64))
    process = begin(folder / "job", limit=2000)
    _, said = process.communicate()
    left_over = shard_files(folder / "job" / "rows") + list((folder / "job").rglob("*.part"))
    job_of(folder / "job").run()
    lost, twice, broken = count(folder / "job")
    clean = process.returncode == 1 and said.startswith("error: ") and said.count("\n") == 1
    figures = f"{'one line of error' if clean else repr(said[-300:])}, {len(left_over)} files left behind; "
    figures += f"then, with room, {lost} lost, {twice} twice"
    return Outcome(clean and not (left_over or lost or twice or broken), figures)
