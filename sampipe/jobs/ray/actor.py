"""What an actor of the pool does: it holds a graph and makes rows of images."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sampipe.jobs.crash_log import MAX_CRASHES, CrashLog
from sampipe.jobs.manifest import Entry
from sampipe.jobs.rows import row_schema
from sampipe.jobs.work import Work

if TYPE_CHECKING:
    import pyarrow as pa


class RowsOfImages:
    """Made once an actor, called with tables of manifest entries: one row comes back for each, whatever happens.

    Args:
        work: what is done with each image.
        notes: a folder that all actors see; each notes there which images it works on, under its actor's id, which
            it keeps when Ray starts it again. None: one of each machine.
        earlier: notes of actors that are no more.
        max_crashes: see :class:`~sampipe.jobs.crash_log.CrashLog`.
    """

    def __init__(
        self, work: Work, notes: str | None = None, earlier: Sequence[str] = (), max_crashes: int = MAX_CRASHES
    ) -> None:
        self._work, self._schema = work, row_schema(work.masks)
        self._crash_log = CrashLog(_note_file(notes), max_crashes=max_crashes, earlier=map(Path, earlier))
        work.graph.warm()

    def __call__(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        entries = [Entry(row["path"], row.get("digest"), row.get("name") or row["path"]) for row in table.to_pylist()]
        rows = [make() for make, _ in self._work.rows(entries, self._crash_log)]
        return pa.Table.from_pylist(rows, schema=self._schema)


def _note_file(folder: str | None) -> Path:
    import ray

    name = f"{ray.get_runtime_context().get_actor_id()}.json"
    return Path(folder) / name if folder else Path(tempfile.gettempdir()) / f"sampipe-{name}"
