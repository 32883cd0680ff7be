"""Rows on disk: Parquet files that are whole or not there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sampipe._files import atomic_file

if TYPE_CHECKING:
    import pyarrow as pa
    from typing_extensions import Self

_PATTERN = "part-*.parquet"
_SECONDS = 30.0  # between two files at most: what a kill costs


class ShardWriter:
    """Collects rows and writes them, some hundred a file; use it as a context manager.

    A row counts once its file has its name; what was collected is written also when the block ends in an error.

    Args:
        folder: of the files; those that are there stay.
        schema: of the rows.
        rows: in a file, at most.
    """

    def __init__(self, folder: Path, schema: pa.Schema, *, rows: int) -> None:
        self._folder, self._schema, self._rows = folder, schema, rows
        self._pending: list[Mapping[str, Any]] = []
        self._next = next_number(folder)
        self._written = time.monotonic()

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row in; now and then this writes a file."""
        self._pending.append(row)
        if len(self._pending) >= self._rows or time.monotonic() - self._written > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        import pyarrow as pa

        if self._pending:
            write_shard(
                pa.Table.from_pylist(self._pending, schema=self._schema), self._folder / f"part-{self._next:05}.parquet"
            )
            self._next += 1
            self._pending = []
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()


def write_shard(rows: pa.Table, file: Path) -> None:
    """A file of rows, whole or not there."""
    import pyarrow.parquet as pq

    with atomic_file(file) as partial:
        pq.write_table(rows, partial, compression="zstd")


def next_number(folder: Path) -> int:
    """A number that no ``part-NUMBER...parquet`` of the folder has, above all of them."""
    return 1 + max((int(path.stem.split("-")[1]) for path in shard_files(folder)), default=-1)


def drop_doubles(folder: Path) -> int:
    """Of rows about one path keep the first; how many went.

    Several machines may write one twice: a task that wrote its file and died before it could say so is done again.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    seen: set[str] = set()
    dropped = 0
    for file in shard_files(folder):
        paths = pq.read_table(file, columns=["path"])["path"].to_pylist()
        first = [path not in seen and not seen.add(path) for path in paths]  # type: ignore[func-returns-value]
        if not all(first):
            dropped += len(first) - sum(first)
            if any(first):
                write_shard(pq.read_table(file).filter(pa.array(first)), file)
            else:
                file.unlink()
    return dropped


def shard_files(folder: Path) -> list[Path]:
    """The files of rows in a folder, in order."""
    return sorted(folder.glob(_PATTERN))


def read_rows(folder: str | Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a folder of shards, file after file.

    Args:
        folder: ``JOB/rows``.
        columns: only these; None: all.
    """
    for file in shard_files(Path(folder)):
        yield from read_shard(file, columns)


def read_shard(file: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of one file; ``masks.list.element.area`` is a column, too."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        rows: list[dict[str, Any]] = opened.read(columns=columns).to_pylist()
    return rows
