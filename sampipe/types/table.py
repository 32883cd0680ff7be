"""Masks as a table: one row an object."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from sampipe._files import write_atomic
from sampipe._optional import require
from sampipe.types.masks import Masks
from sampipe.types.rle import RLE

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "label", "class_id", "track_id", "score", "iou", "area", "x0", "y0", "x1", "y1", "center_x", "center_y", "parts",
    "holes",
)  # fmt: skip


def rows(masks: Masks) -> list[dict[str, Any]]:
    """A mapping of ``COLUMNS`` for each object's best mask; None for what is not known."""
    best = masks.best()
    tracks = best.prompts.track_ids
    found = []
    for i, (rle, box, area, outlines) in enumerate(
        zip(best.rle(), best.boxes().tolist(), best.area().tolist(), best.polygons(), strict=True)
    ):
        x, y = _center(rle)
        values = (
            best.labels[i] or None, _known_id(best.class_ids[i]), None if tracks is None else _known_id(tracks[i]),
            _known(best.scores[i]), _known(best.iou_scores[i, 0]), area, *(int(side) for side in box), x, y,
            len(outlines), sum(len(part.holes) for part in outlines),
        )  # fmt: skip
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def dataframe(masks: Masks) -> pandas.DataFrame:
    """See :meth:`Masks.to_dataframe`."""
    table: pandas.DataFrame = require("pandas", "tables").DataFrame(rows(masks), columns=list(COLUMNS))
    return table.astype({name: "Int64" for name in ("class_id", "track_id")} | dict.fromkeys(("score", "iou"), "float"))


def csv_text(masks: Masks, path: str | os.PathLike[str] | None = None) -> str:
    """See :meth:`Masks.to_csv`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(masks))
    if path is not None:
        write_atomic(path, text.getvalue().encode())
    return text.getvalue()


def _center(rle: RLE) -> tuple[float | None, float | None]:
    if not rle.area:
        return None, None
    ys, xs = np.nonzero(rle.window())
    return round(float(rle.box[0] + xs.mean() + 0.5), 2), round(float(rle.box[1] + ys.mean() + 0.5), 2)


def _known(number: np.float32) -> float | None:
    return None if np.isnan(number) else round(float(number), 4)


def _known_id(number: np.int64) -> int | None:
    return None if number < 0 else int(number)
