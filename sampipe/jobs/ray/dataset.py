"""A graph over a Ray dataset."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sampipe.errors import DataError
from sampipe.graph import Graph
from sampipe.jobs.crash_log import MAX_CRASHES
from sampipe.jobs.job import nothing
from sampipe.jobs.ray.pool import Pool
from sampipe.jobs.work import Work
from sampipe.types import Masks


def apply(
    dataset: Any,
    graph: Graph,
    *,
    path: str = "path",
    pool: Pool | None = None,
    batch_size: int = 1,
    readers: int = 2,
    notes: str | Path | None = None,
) -> Any:
    """The rows of a job (:func:`sampipe.jobs.row_schema`) for each row of a dataset that names an image.

    Images are read and decoded in the actors, and one that cannot be is a row with its ``error``: ``ray.data``'s own
    ``read_images`` ends the whole run there. No call fails, so ``max_errored_blocks``, which drops whole blocks, has
    nothing to drop.

    Args:
        dataset: a ``ray.data.Dataset``; best read from files (``read_parquet``), as checkpoints of Ray's pass over
            ``from_items`` in silence.
        graph: takes an input ``image``; its outputs that are Masks become columns.
        path: the column with a file, ``sample:NAME`` or URL. Columns ``digest`` and ``name`` are used if there.
        pool: the actors; one of one CPU unless given.
        batch_size: images that a node with ``run_batch`` gets at once.
        readers: threads of each actor that read and decode.
        notes: a folder that all machines see, for the names of images that are under way: one during which an actor
            dies again and again is left out with a row that says so. None: a file of each machine, which is enough
            where actors begin again on theirs.

    Returns:
        A lazy ``ray.data.Dataset``.

    Raises:
        DataError: the dataset has no such column.
    """
    columns = dataset.columns() or []
    if path not in columns:
        raise DataError(f"the dataset has the columns {', '.join(columns)}; wanted {path!r} with files or URLs")
    others = [name for name in columns if name not in (path, "name", "digest")]
    named = dataset.drop_columns(others) if others else dataset
    if path != "path":
        named = named.rename_columns({path: "path"})
    work = Work(graph, graph.outputs_of(Masks), nothing, nothing, batch_size, readers)
    return rows_of(named, work, pool or Pool(), notes=notes)


def rows_of(
    dataset: Any,
    work: Work,
    pool: Pool,
    *,
    notes: str | Path | None,
    earlier: Sequence[str] = (),
    max_crashes: int = MAX_CRASHES,
) -> Any:
    """Manifest entries mapped to rows by a pool of actors."""
    from ray.util.annotations import RayDeprecationWarning

    from sampipe.jobs.ray.actor import RowsOfImages

    with warnings.catch_warnings():
        # from Ray 2.64 on, max_restarts will go another way; until then there is only this one
        warnings.simplefilter("ignore", RayDeprecationWarning)
        return dataset.map_batches(
            RowsOfImages,
            fn_constructor_args=(
                work,
                None if notes is None else str(Path(notes).absolute()),
                list(earlier),
                max_crashes,
            ),
            **pool.map_options(),
        )
