"""A job in a process of its own, for those who kill it: ``python -m sampipe.measure.faults.worker FOLDER ENGINE``.

Prints the path of each image that is done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from sampipe.jobs import Job
from sampipe.jobs.job import JobEngine
from sampipe.measure.faults.graphs import halves

ROWS_PER_FILE = 4


def job_of(folder: Path) -> Job:
    """The job of a folder; ``graph.json`` there holds the parameters of its graph."""
    return Job(folder, halves(**json.loads((folder / "graph.json").read_text())), rows_per_file=ROWS_PER_FILE)


def begin(folder: Path, *, engine: str = "local", limit: int | None = None) -> subprocess.Popen[str]:
    """Start a process that works on the job of ``folder``.

    Args:
        limit: bytes of a file at most, as on a disk that is full.
    """
    command = [sys.executable, "-m", "sampipe.measure.faults.worker", str(folder), engine, str(limit or 0)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def main(folder: Path, engine: str, limit: int) -> None:
    """Work on the job of ``folder`` until it is done, or end with one line of error."""
    if limit:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        job_of(folder).run(lambda progress: print(progress.row["path"], flush=True), engine=_engine(engine))
    except OSError as error:
        sys.exit(f"error: {error}")


def _engine(name: str) -> JobEngine | None:
    if name == "local":
        return None
    from sampipe.graph.engines import load_engine

    engine: Any = load_engine(name)
    return engine.with_options(actors="1", cpus=0.5)  # type: ignore[no-any-return]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
