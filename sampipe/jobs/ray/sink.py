"""Rows of a dataset as the files of a job."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from ray.data.block import BlockAccessor
from ray.data.datasource import Datasink

from sampipe.jobs.rows import row_schema
from sampipe.jobs.shards import write_shard


class ShardSink(Datasink):  # type: ignore[type-arg]
    """Where ``Dataset.write_parquet`` would write under the final name, this renames a whole file.

    A file is named by the paths in it, so that a task that is done again writes the same file again.

    Args:
        folder: ``JOB/rows``, seen by all machines.
        masks: the columns that hold masks.
        number: of this run; its files come after those of the runs before it.
        rows: in a file, as far as there are so many.
    """

    def __init__(self, folder: Path, masks: tuple[str, ...], *, number: int, rows: int) -> None:
        self._folder, self._masks, self._number, self._rows = folder, masks, number, rows

    @property
    def min_rows_per_write(self) -> int:
        return self._rows

    def write(self, blocks: Iterable[Any], ctx: Any) -> int:
        """One task's blocks as one file."""
        schema = row_schema(self._masks)
        tables = [BlockAccessor.for_block(block).to_arrow() for block in blocks]
        table = pa.concat_tables([one.select(schema.names).cast(schema) for one in tables if one.num_rows])
        name = hashlib.blake2b("\0".join(table["path"].to_pylist()).encode(), digest_size=8).hexdigest()
        write_shard(table, self._folder / f"part-{self._number:05}-{name}.parquet")
        return int(table.num_rows)
