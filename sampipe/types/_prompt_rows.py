"""Joining prompts of different kinds, and the one rule for prompts that no model can use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sampipe.errors import DataError
from sampipe.types._arrays import BoolArray, describe, read_only
from sampipe.types._prompt_notes import notes
from sampipe.types.prompts import Prompts

_NONE: dict[str, Any] = {
    "points": 0.0, "point_labels": -1, "boxes": np.nan, "mask_logits": np.nan, "text": np.nan,
    "class_ids": -1, "track_ids": -1, "scores": np.nan, "labels": "", "source": "",
}  # fmt: skip


def concat(parts: Sequence[Prompts]) -> Prompts:
    """All objects in order; see :meth:`Prompts.concat`."""
    counts: dict[str, Any] = {
        "dropped": sum(part.dropped for part in parts),
        "clipped": sum(part.clipped for part in parts),
        "notes": tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    }
    filled = [part for part in parts if len(part)]
    if not filled:
        return (parts[0] if parts else Prompts.empty()).replace(**counts)
    if len(filled) == 1:
        return filled[0].replace(**counts)
    return Prompts(**{name: _joined(name, filled) for name in _NONE}, text_space=_common_space(filled), **counts)


def _common_space(parts: Sequence[Prompts]) -> str | None:
    spaces = {part.text_space for part in parts if part.text is not None}
    if len(spaces) > 1:
        raise DataError(f"text: vectors of different CLIP spaces do not join: {sorted(map(str, spaces))}")
    return next(iter(spaces), None)


def _joined(name: str, parts: Sequence[Prompts]) -> Any:
    columns = [getattr(part, name) for part in parts]
    present = [column for column in columns if column is not None]
    if not present:
        return None
    if isinstance(present[0], tuple):
        rows = [("",) * len(part) if column is None else column for part, column in zip(parts, columns, strict=True)]
        return tuple(value for row in rows for value in row)
    inner = _common_shape(name, present)
    joined = np.full((sum(map(len, parts)), *inner), _NONE[name], dtype=present[0].dtype)
    start = 0
    for part, column in zip(parts, columns, strict=True):
        if column is not None:
            target = joined[start : start + len(part)]
            (target[:, : column.shape[1]] if name.startswith("point") else target)[...] = column
        start += len(part)
    return joined


def _common_shape(name: str, columns: Sequence[NDArray[Any]]) -> tuple[int, ...]:
    shapes = {column.shape[1:] for column in columns}
    if name.startswith("point"):
        longest = max(shape[0] for shape in shapes)
        return (longest, *columns[0].shape[2:])
    if len(shapes) > 1:
        raise DataError(f"{name}: parts of different shapes do not join: {sorted(shapes)} per object")
    return columns[0].shape[1:]


def one_object(
    box: ArrayLike | None, points: ArrayLike, not_points: ArrayLike, label: str | None, source: str | None
) -> Prompts:
    """One object; see :meth:`Prompts.object`."""
    on, off = _clicks("points", points), _clicks("not_points", not_points)
    if box is None and not len(on):
        raise DataError("object: got neither a box nor a point on the object; wanted one of them, or both")
    if box is not None and np.shape(box) != (4,):
        raise DataError(f"box: got {describe(box)} {box!r:.40}, wanted four numbers x0, y0, x1, y1")
    clicks = np.concatenate([on, off])
    return Prompts(
        boxes=None if box is None else np.asarray([box]),
        points=clicks[None] if len(clicks) else None,
        point_labels=np.repeat([1, 0], [len(on), len(off)])[None] if len(clicks) else None,
        labels=None if label is None else (label,),
        source=None if source is None else (source,),
    )


def _clicks(name: str, points: ArrayLike) -> NDArray[Any]:
    xy = read_only(points, np.float32, name)
    if xy.shape == (2,):
        return xy[None]
    if xy.size and (xy.ndim != 2 or xy.shape[1] != 2):
        raise DataError(f"{name}: got {xy.shape}, wanted (k, 2): an x and a y for each point")
    return xy.reshape(-1, 2)


def sanitize(prompts: Prompts, hw: tuple[int, int]) -> Prompts:
    """Prompts that are safe for a model; see :meth:`Prompts.sanitize`."""
    height, width = (int(side) for side in hw)
    if min(height, width) < 1:
        raise DataError(f"hw: got {height} x {width}, wanted an image of at least 1 x 1")
    kept = prompts.has_points | prompts.has_boxes | prompts.has_masks | prompts.has_text
    moved = np.zeros(len(prompts), dtype=np.bool_)
    fields: dict[str, Any] = {}
    for rows, present in ((prompts.mask_logits, prompts.has_masks), (prompts.text, prompts.has_text)):
        if rows is not None:
            kept &= np.isfinite(rows).all(axis=tuple(range(1, rows.ndim))) | ~present
    if prompts.boxes is not None:
        fields["boxes"] = _boxes_inside(prompts, height, width, kept, moved)
    if prompts.points is not None:
        fields["points"] = _points_inside(prompts, height, width, kept, moved)
    dropped, clipped = int((~kept).sum()), int((moved & kept).sum())
    said = notes(prompts, fields.get("boxes"), fields.get("points"), (height, width))
    cleaned = prompts.replace(
        **fields,
        dropped=prompts.dropped + dropped,
        clipped=prompts.clipped + clipped,
        notes=tuple(dict.fromkeys((*prompts.notes, *said))),  # what is sanitized again says the same
    )
    return cleaned if not dropped else cleaned.select(kept)


def _boxes_inside(prompts: Prompts, height: int, width: int, kept: BoolArray, moved: BoolArray) -> NDArray[Any]:
    """The boxes with sorted corners, cut at the border; notes which objects to drop and which moved."""
    assert prompts.boxes is not None
    boxes = prompts.boxes
    finite = np.asarray(np.isfinite(boxes).all(axis=1))
    kept &= finite | ~prompts.has_boxes
    corners = np.where(finite[:, None], boxes, 0.0).reshape(-1, 2, 2)
    corners = np.stack([corners.min(axis=1), corners.max(axis=1)], axis=1)
    limit = np.array([width, height], dtype=np.float32)
    inside = np.clip(corners, 0.0, limit).reshape(-1, 4)
    has_area = (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])
    kept &= has_area | ~prompts.has_boxes
    moved |= finite & (inside != boxes).any(axis=1)
    return np.where(finite[:, None], inside, np.float32(np.nan))


def _points_inside(prompts: Prompts, height: int, width: int, kept: BoolArray, moved: BoolArray) -> NDArray[Any]:
    """The points moved onto the nearest pixel; notes which objects to drop and which moved."""
    assert prompts.points is not None and prompts.point_labels is not None
    real = prompts.point_labels >= 0
    finite = np.isfinite(prompts.points).all(axis=2)
    kept &= (finite | ~real).all(axis=1)
    points = np.where((real & finite)[..., None], prompts.points, np.float32(0))
    size = np.array([width, height], dtype=np.float32)
    inside = np.where(points >= size, size - 1, np.maximum(points, 0))
    moved |= ((inside != points).any(axis=2) & real).any(axis=1)
    return inside
