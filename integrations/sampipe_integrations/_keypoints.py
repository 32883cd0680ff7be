"""Key points of people, hands, faces and animals as point prompts: one object, many points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

import sampipe as sp


def keypoint_prompts(
    points: ArrayLike,
    *,
    visible: ArrayLike | None = None,
    boxes: ArrayLike | None = None,
    max_points: int | None = None,
    labels: Sequence[str] | None = None,
    class_ids: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    source: str | None = None,
) -> sp.Prompts:
    """Prompts of n objects from their key points: every point that is seen says "this belongs to it".

    Args:
        points: (n, k, 2) x, y in pixels of the image; k points (17 of a COCO person, 33 of mediapipe's pose).
        visible: (n, k), true where a point was seen; all by default. Points that are not finite are not seen.
        boxes: (n, 4), sent along with the points where given.
        max_points: keep at most this many of an object's seen points, evenly over their order.
        labels, class_ids, scores, source: as of :meth:`sampipe.Prompts.from_boxes`.

    Returns:
        Prompts; an object of which nothing was seen and that has no box is dropped and counted.

    Raises:
        DataError: shapes that do not fit.
    """
    xy = np.asarray(points, dtype=np.float32)
    if xy.size == 0:
        return sp.Prompts.empty()
    if xy.ndim != 3 or xy.shape[2] != 2:
        raise sp.DataError(f"points: got shape {xy.shape}, wanted (n, k, 2): n objects with k points each")
    seen = np.asarray(np.isfinite(xy).all(axis=2))
    if visible is not None:
        given = np.asarray(visible, dtype=bool)
        if given.shape != xy.shape[:2]:
            raise sp.DataError(f"visible: got shape {given.shape} for points {xy.shape}, wanted (n, k)")
        seen &= given
    if max_points is not None:
        seen = np.stack([_thinned(row, max_points) for row in seen])
    prompts = sp.Prompts(
        points=np.where(seen[..., None], xy, np.float32(0)),
        point_labels=np.where(seen, 1, -1).astype(np.int8),
        boxes=None if boxes is None else np.asarray(boxes, dtype=np.float32),
        labels=None if labels is None else tuple(labels),
        class_ids=class_ids if class_ids is None else np.asarray(class_ids, dtype=np.int64),
        scores=scores if scores is None else np.asarray(scores, dtype=np.float32),
        source=None if source is None else (source,) * len(xy),
    )
    asks = prompts.has_points | prompts.has_boxes
    kept = prompts if asks.all() else prompts.select(asks)
    return kept.replace(dropped=int((~asks).sum()))


def _thinned(seen: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` of the seen points, evenly over their order."""
    where = np.flatnonzero(seen)
    if len(where) <= most:
        return seen
    kept = np.zeros_like(seen)
    kept[where[np.linspace(0, len(where) - 1, most).round().astype(int)]] = True
    return kept
