"""FiftyOne's labels, which are fractions of the image, to and from sampipe's values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import sampipe as sp
from sampipe._optional import require
from sampipe.nodes import Segment
from sampipe_integrations._keypoints import keypoint_prompts

_MADE = {"_id", "id", "label", "bounding_box", "mask", "mask_path", "confidence", "index", "points", "rotation"}


def prompts_from_label(label: Any, image: sp.Image, *, source: str = "fiftyone") -> sp.Prompts:
    """Prompts from a sample's ``Detections``, ``Detection``, ``Keypoints`` or ``Keypoint``.

    Args:
        label: the field of a sample; None gives no prompts.
        image: the sample's image.
        source: what the prompts say that they come from.

    Raises:
        DataError: another kind of label.
    """
    return _prompts(_rows(label), image, source).sanitize(image.hw)


def add_masks_to_label(label: Any, image: sp.Image, segment: Segment) -> Any:
    """``fiftyone.Detections``: what the label points at, with masks; attributes, tags and fields of one's own stay.

    Args:
        label, image: see :func:`prompts_from_label`.
        segment: the node that answers.

    Raises:
        DataError: another kind of label.
    """
    rows = _rows(label)
    prompts = _prompts(rows, image, "fiftyone").replace(class_ids=np.arange(len(rows)))
    masks = segment(image, prompts=prompts.sanitize(image.hw))
    asked = np.zeros(0, np.int64) if masks.prompts.class_ids is None else masks.prompts.class_ids
    return masks_to_detections(masks, of=[rows[int(row)] for row in asked])


def check_field(field: str, fields: Iterable[str], *, of: str) -> None:
    """Raise DataError, with what there is, unless a sample or dataset has the field among its fields."""
    known = list(fields)
    if field not in known:
        raise sp.DataError(f"field: {of} has no {field!r}; there is {', '.join(known)}")


def masks_to_detections(masks: sp.Masks, *, of: Sequence[Any] = ()) -> Any:
    """``fiftyone.Detections``: each object's tight box with the mask inside it, its name and its scores.

    An object with an empty mask is left out. ``index`` is the track id, ``confidence`` the detector's score, else the
    predicted IoU.

    Args:
        masks: n objects.
        of: n labels of FiftyOne whose attributes, tags and other fields the objects keep; or none.

    Raises:
        MissingDependencyError: fiftyone is not installed.
    """
    labels = require("fiftyone.core.labels", "fiftyone")
    best = masks.best()
    height, width = best.hw
    scores, ids = best.prompts.scores, best.prompts.track_ids
    found = []
    for row, rle in enumerate(best.rle()):
        if not rle.area:
            continue
        x0, y0, x1, y1 = (int(side) for side in rle.box)
        known = [] if scores is None else [float(scores[row])]
        confidence = next((one for one in (*known, float(best.iou_scores[row, 0])) if np.isfinite(one)), None)
        kept = {name: of[row][name] for name in of[row].field_names if name not in _MADE} if of else {}
        found.append(
            labels.Detection(
                **kept,
                label=best.prompts.labels[row] if best.prompts.labels else None,
                bounding_box=[x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height],
                mask=np.ascontiguousarray(rle.decode()[y0:y1, x0:x1]),
                confidence=confidence,
                index=None if ids is None or ids[row] < 0 else int(ids[row]),
            )
        )
    return labels.Detections(detections=found)


def _prompts(rows: list[Any], image: sp.Image, source: str) -> sp.Prompts:
    """One prompt a row, as it is."""
    if not rows:
        return sp.Prompts.empty()
    size = np.array(image.wh, np.float32)
    names = [str(row.label or "") for row in rows]
    numbers = [getattr(row, "index", None) for row in rows]
    ids = None if not any(numbers) and 0 not in numbers else np.array([-1 if n is None else int(n) for n in numbers])
    if hasattr(rows[0], "bounding_box"):
        xywh = np.array([row.bounding_box for row in rows], np.float32) * np.tile(size, 2)
        scores = [np.nan if row.confidence is None else float(row.confidence) for row in rows]
        corners = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        return sp.Prompts.from_boxes(corners, labels=names, scores=scores, source=source).replace(track_ids=ids)
    count = max(len(row.points) for row in rows)
    points = np.full((len(rows), count, 2), np.nan, np.float32)
    for index, row in enumerate(rows):
        points[index, : len(row.points)] = np.array(row.points, np.float32).reshape(-1, 2) * size
    return keypoint_prompts(points, labels=names, source=source).replace(track_ids=ids)


def _rows(label: Any) -> list[Any]:
    if label is None:
        return []
    for name in ("detections", "keypoints"):
        rows = getattr(label, name, None)
        if rows is not None:
            return list(rows)
    if hasattr(label, "bounding_box") or hasattr(label, "points"):
        return [label]
    raise sp.DataError(f"a {type(label).__name__} has no boxes or key points; wanted Detections or Keypoints")
