"""What became of an image, as one row of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sampipe.data.parquet import masks_of_records, records_of, records_type
from sampipe.graph.result import Result
from sampipe.jobs.manifest import Entry
from sampipe.types import Masks

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("path", "name", "digest", "error", "height", "width", "seconds", "device", "prompts_dropped", "prompt_notes")


def row_schema(outputs: Sequence[str]) -> pa.Schema:
    """The columns of a job: what is known of the image, and a list of objects for each output that is masks.

    Args:
        outputs: the names of those outputs; none may be that of another column.
    """
    import pyarrow as pa

    objects = records_type()
    kinds = dict.fromkeys(COLUMNS, pa.string()) | {
        "height": pa.int32(),
        "width": pa.int32(),
        "seconds": pa.float32(),
        "prompts_dropped": pa.int32(),
        "prompt_notes": pa.list_(pa.string()),
    }
    return pa.schema([*kinds.items(), *((name, objects) for name in outputs)])


def result_row(entry: Entry, hw: tuple[int, int], result: Result, outputs: Sequence[str]) -> dict[str, Any]:
    """The row of an image that went well."""
    return {
        "path": entry.path,
        "name": entry.name,
        "digest": entry.digest,
        "error": None,
        "height": hw[0],
        "width": hw[1],
        "seconds": result.report.seconds / result.report.batch,
        "device": next((report.device for report in result.report.values() if report.device), None),
        "prompts_dropped": sum(result[name].prompts.dropped for name in outputs),
        "prompt_notes": list(dict.fromkeys(note for name in outputs for note in result[name].prompts.notes)),
        **{name: records_of(result[name]) for name in outputs},
    }


def error_row(entry: Entry, reason: str) -> dict[str, Any]:
    """The row of an image that could not be done, and why."""
    return {"path": entry.path, "name": entry.name, "digest": entry.digest, "error": reason or "unknown error"}


def masks_of_row(row: Mapping[str, Any], output: str = "masks") -> Masks:
    """The masks of a row, as they were (one candidate each), with their prompts' labels, class ids and scores."""
    return masks_of_records(row[output], (row["height"], row["width"]))
