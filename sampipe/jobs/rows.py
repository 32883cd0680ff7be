"""What became of an image, as one row of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe.graph.result import Result
from sampipe.jobs.manifest import Entry
from sampipe.types import RLE, Masks, Prompts

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("path", "name", "digest", "error", "height", "width", "seconds")


def objects_type() -> pa.DataType:
    """A list of objects, as a column's type.

    An object's ``counts`` are COCO's compressed run lengths for the image's height and width; ``box`` is xyxy,
    half-open, in pixels.
    """
    import pyarrow as pa

    return pa.list_(
        pa.struct(
            {
                "label": pa.string(),
                "class_id": pa.int64(),
                "track_id": pa.int64(),
                "score": pa.float32(),
                "predicted_iou": pa.float32(),
                "stability": pa.float32(),
                "area": pa.int64(),
                "box": pa.list_(pa.float32(), 4),
                "counts": pa.binary(),
            }
        )
    )


def row_schema(outputs: Sequence[str]) -> pa.Schema:
    """The columns of a job: what is known of the image, and a list of objects for each output that is masks.

    Args:
        outputs: the names of those outputs; none may be that of another column.
    """
    import pyarrow as pa

    objects = objects_type()
    kinds = dict.fromkeys(COLUMNS, pa.string()) | {
        "height": pa.int32(),
        "width": pa.int32(),
        "seconds": pa.float32(),
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
        **{name: objects_of(result[name]) for name in outputs},
    }


def error_row(entry: Entry, reason: str) -> dict[str, Any]:
    """The row of an image that could not be done, and why."""
    return {"path": entry.path, "name": entry.name, "digest": entry.digest, "error": reason or "unknown error"}


def masks_of_row(row: Mapping[str, Any], output: str = "masks") -> Masks:
    """The masks of a row, as they were (one candidate each), with their prompts' labels, class ids and scores."""
    hw = (row["height"], row["width"])
    objects = row[output]
    if not objects:
        return Masks.empty(hw)
    columns = {name: [one[name] for one in objects] for name in objects[0]}
    rles = [RLE(hw, counts) for counts in columns["counts"]]
    prompts = Prompts.from_boxes(
        np.array(columns["box"], np.float32).reshape(-1, 4),
        labels=_all_or_none(columns["label"]),
        class_ids=_all_or_none(columns["class_id"]),
        scores=_all_or_none(columns["score"]),
    ).replace(track_ids=_all_or_none(columns["track_id"]))
    masks = Masks.from_rle(rles, hw, prompts).replace(iou_scores=_floats(columns["predicted_iou"]))
    stability = columns["stability"]
    return masks if all(value is None for value in stability) else masks.replace(stability=_floats(stability))


def objects_of(masks: Masks) -> list[dict[str, Any]]:
    """Each object's best mask and what is known of it, as :func:`objects_type` wants it."""
    masks = masks.best()
    prompts, rles, boxes, areas = masks.prompts, masks.rle(), masks.boxes(), masks.area()
    stability = [None] * len(masks) if masks.stability is None else masks.stability[:, 0]
    return [
        {
            "label": None if prompts.labels is None else prompts.labels[i],
            "class_id": None if prompts.class_ids is None else int(prompts.class_ids[i]),
            "track_id": None if prompts.track_ids is None else int(prompts.track_ids[i]),
            "score": None if prompts.scores is None else _finite(prompts.scores[i]),
            "predicted_iou": _finite(masks.iou_scores[i, 0]),
            "stability": _finite(stability[i]),
            "area": int(areas[i]),
            "box": boxes[i].tolist(),
            "counts": rles[i].counts,
        }
        for i in range(len(masks))
    ]


def _finite(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float32)[:, None]


def _all_or_none(values: list[Any]) -> Any:
    return None if any(value is None for value in values) else values
