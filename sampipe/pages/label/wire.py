"""What the page sends and gets, checked: a page's JavaScript may send anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sampipe.errors import DataError
from sampipe.pages.label.merge import Change, Complete, Put, Remove
from sampipe.pages.label.prompting import Answer, Stroke, Work
from sampipe.pages.label.record import MaskRecord
from sampipe.types import RLE

_LONGEST_LABEL = 200
_MOST_POINTS = 1000
_MOST_STROKES = 1000


def mask_json(mask: MaskRecord) -> dict[str, Any]:
    """A mask for the page."""
    return {**mask.to_json(), "accepted": mask.accepted, "doubt": round(mask.doubt, 3)}


def answer_json(answer: Answer) -> dict[str, Any]:
    """The model's answer for the page."""
    return {
        "rle": answer.rle.to_coco(),
        "area": answer.rle.area,
        "predicted_iou": answer.predicted_iou,
        "stability_score": answer.stability,
        "candidates": [{"iou": iou, "area": rle.area} for rle, iou in answer.candidates],
        "chosen": answer.chosen,
    }


def change_of(row: Any) -> Change:
    """``{"put": mask, "base": revision}``, ``{"remove": id, "base": revision}`` or ``{"complete": bool}``.

    Raises:
        DataError: something else.
    """
    if isinstance(row, Mapping) and "put" in row:
        base = row.get("base")
        return Put(_mask(row["put"]), None if base is None else _whole(base, "base"))
    if isinstance(row, Mapping) and "remove" in row:
        return Remove(_whole(row["remove"], "remove"), _whole(row.get("base"), "base"))
    if isinstance(row, Mapping) and isinstance(row.get("complete"), bool):
        return Complete(row["complete"])
    raise DataError(f"a change: got {str(row)[:80]!r}, wanted put, remove or complete")


def _mask(row: Any) -> MaskRecord:
    try:
        label = str(row.get("label") or "").strip()
        if len(label) > _LONGEST_LABEL:
            raise DataError(f"A label has at most {_LONGEST_LABEL} characters; this one has {len(label)}.")
        mask = MaskRecord.from_json({**row, "label": label}, accepted=bool(row.get("accepted", True)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"a mask: {type(error).__name__}: {error}") from error
    if mask.rle.area == 0:
        raise DataError("An empty mask is not kept; delete it instead.")
    numbers = (mask.predicted_iou, mask.stability, mask.score, mask.seconds, *(mask.box or ()))
    if not all(value is None or math.isfinite(value) for value in (*numbers, *(x for p in mask.points for x in p))):
        raise DataError("a mask: wanted finite numbers")
    return mask


def work_of(row: Any) -> Work:
    """What a person did to a mask.

    Raises:
        DataError: another form, or numbers that are none.
    """
    if not isinstance(row, Mapping):
        raise DataError(f"work: got {type(row).__name__}, wanted points, box and strokes")
    points, strokes = row.get("points") or (), row.get("strokes") or ()
    if len(points) > _MOST_POINTS or len(strokes) > _MOST_STROKES:
        raise DataError(f"One mask takes at most {_MOST_POINTS} points and {_MOST_STROKES} strokes; finish it first.")
    candidate = row.get("candidate")
    try:
        return Work(
            base=RLE.from_coco(row["base"]) if row.get("base") else None,
            points=tuple((_finite(x), _finite(y), 1 if kind else 0) for x, y, kind in points),
            box=_box(row["box"]) if row.get("box") else None,
            candidate=None if candidate is None else min(max(_whole(candidate, "candidate"), 0), 2),
            strokes=tuple(_stroke(one) for one in strokes),
            ask=bool(row.get("ask", True)),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"work: {type(error).__name__}: {error}") from error


def _stroke(row: Any) -> Stroke:
    tool = row["tool"]
    if tool not in ("brush", "eraser"):
        raise DataError(f"a stroke: got the tool {tool!r}, wanted brush or eraser")
    return Stroke(tool, RLE.from_coco(row["area"]))


def _box(row: Any) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (_finite(value) for value in row)
    return x0, y0, x1, y1


def number(value: Any, name: str, *, least: float, most: float) -> float:
    """A number from ``least`` to ``most``.

    Raises:
        DataError: something else.
    """
    try:
        found = _finite(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: got {value!r}, wanted a number") from error
    if not least <= found <= most:
        raise DataError(f"{name}: got {found:g}, wanted {least:g} to {most:g}")
    return found


def _finite(value: Any) -> float:
    found = float(value)
    if not math.isfinite(found):
        raise DataError(f"coordinates: got {value!r}, wanted finite numbers")
    return found


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{name}: got {value!r}, wanted a whole number")
    return value
