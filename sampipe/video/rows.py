"""One row a frame, in one Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe.data.parquet import records_of, records_type
from sampipe.types import Masks

if TYPE_CHECKING:
    from typing_extensions import Self

_AT_ONCE = 64  # rows in memory


class FrameRows:
    """Writes rows: frame, seconds, error, height, width, and a list of objects for each output that is masks.

    An object is as in the rows of a job (:mod:`sampipe.jobs`): track id, label, score, box, COCO run lengths. Use it
    as a context manager.

    Args:
        path: the file; complete when the block has ended.
        outputs: the names of those outputs.
    """

    def __init__(self, path: Path, outputs: tuple[str, ...]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {
            "frame": pa.int64(),
            "seconds": pa.float64(),
            "error": pa.string(),
            "height": pa.int32(),
            "width": pa.int32(),
        }
        self._schema = pa.schema([*columns.items(), *((name, records_type()) for name in outputs)])
        self._outputs = outputs
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._pending: list[dict[str, Any]] = []

    def add(self, index: int, seconds: float, hw: tuple[int, int], found: dict[str, Masks] | str) -> None:
        """The row of a frame: what was found by output, or why nothing could be."""
        row: dict[str, Any] = {"frame": index, "seconds": seconds, "error": None, "height": hw[0], "width": hw[1]}
        if isinstance(found, str):
            row["error"] = found
        else:
            row |= {name: records_of(found[name]) for name in self._outputs}
        self._pending.append(row)
        if len(self._pending) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._pending:
            self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self._schema))
            self._pending = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()


def read_frames(path: str | Path) -> Iterator[dict[str, Any]]:
    """The rows of such a file, a group at a time; :func:`sampipe.jobs.masks_of_row` makes Masks of one."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield from file.read_row_group(group).to_pylist()
