"""FiftyOne's labels, which are fractions of the image, to and from sampipe's values."""

from __future__ import annotations

from typing import Any

import numpy as np

import sampipe as sp
from sampipe._optional import require
from sampipe_integrations._keypoints import keypoint_prompts


def prompts_from_label(label: Any, image: sp.Image, *, source: str = "fiftyone") -> sp.Prompts:
    """Prompts from a sample's ``Detections``, ``Detection``, ``Keypoints`` or ``Keypoint``.

    Args:
        label: the field of a sample; None gives no prompts.
        image: the sample's picture.
        source: what the prompts say that they come from.

    Raises:
        DataError: another kind of label.
    """
    if label is None:
        return sp.Prompts.empty()
    rows = _rows(label)
    if not rows:
        return sp.Prompts.empty()
    size = np.array(image.wh, np.float32)
    names = [str(row.label or "") for row in rows]
    if hasattr(rows[0], "bounding_box"):
        xywh = np.array([row.bounding_box for row in rows], np.float32) * np.tile(size, 2)
        scores = [np.nan if row.confidence is None else float(row.confidence) for row in rows]
        corners = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        return sp.Prompts.from_boxes(corners, labels=names, scores=scores, source=source).sanitize(image.hw)
    count = max(len(row.points) for row in rows)
    points = np.full((len(rows), count, 2), np.nan, np.float32)
    for index, row in enumerate(rows):
        points[index, : len(row.points)] = np.array(row.points, np.float32).reshape(-1, 2) * size
    return keypoint_prompts(points, labels=names, source=source).sanitize(image.hw)


def masks_to_detections(masks: sp.Masks) -> Any:
    """``fiftyone.Detections``: each object's tight box with the mask inside it, its name and its scores.

    An object with an empty mask is left out. ``confidence`` is the detector's, else the predicted IoU.

    Raises:
        MissingDependencyError: fiftyone is not installed.
    """
    labels = require("fiftyone.core.labels", "fiftyone")
    best = masks.best()
    height, width = best.hw
    scores = best.prompts.scores
    found = []
    for row, rle in enumerate(best.rle()):
        if not rle.area:
            continue
        x0, y0, x1, y1 = (int(side) for side in rle.box)
        known = [] if scores is None else [float(scores[row])]
        confidence = next((one for one in (*known, float(best.iou_scores[row, 0])) if np.isfinite(one)), None)
        found.append(
            labels.Detection(
                label=best.prompts.labels[row] if best.prompts.labels else None,
                bounding_box=[x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height],
                mask=np.ascontiguousarray(rle.decode()[y0:y1, x0:x1]),
                confidence=confidence,
            )
        )
    return labels.Detections(detections=found)


def _rows(label: Any) -> list[Any]:
    for name in ("detections", "keypoints"):
        rows = getattr(label, name, None)
        if rows is not None:
            return list(rows)
    if hasattr(label, "bounding_box") or hasattr(label, "points"):
        return [label]
    raise sp.DataError(f"a {type(label).__name__} has no boxes or key points; wanted Detections or Keypoints")
