"""The border to ``supervision``: what the neighbours speak, with its traps kept outside.

Out go Detections with every field always there (``Detections.merge`` refuses parts that lack one) and class
ids from 0 up (annotators refuse none and negative ones). In come Detections of any detector: none at all, no
class ids, names as lists, arrays or (of an empty result) floats, masks as pixels or compact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError
from sampipe.types._arrays import FloatArray, IntArray
from sampipe.types.masks import Masks
from sampipe.types.prompts import Prompts
from sampipe.types.rle import RLE

if TYPE_CHECKING:
    import supervision as sv

_NAMES = "class_name"


def prompts_from_supervision(detections: sv.Detections, *, source: str | Sequence[str] | None = None) -> Prompts:
    """Boxes with names, class ids and confidences; see :meth:`Prompts.from_supervision`."""
    count = len(detections)
    if count == 0:
        return Prompts.empty()
    scores = _column(detections, "score")
    return Prompts.from_boxes(
        detections.xyxy,
        labels=_texts(detections, _NAMES),
        class_ids=detections.class_id,
        scores=detections.confidence if scores is None else scores,
        source=_texts(detections, "source") if source is None else source,
    ).replace(track_ids=detections.tracker_id)


def masks_from_supervision(detections: sv.Detections, hw: tuple[int, int]) -> Masks:
    """Masks with what came along; see :meth:`Masks.from_supervision`.

    Raises:
        DataError: boxes without masks, or masks of another size than ``hw``.
    """
    count = len(detections)
    if count == 0:
        return Masks.empty(hw)
    if detections.mask is None:
        raise DataError(
            f"got {count} detections without masks, wanted masks;"
            " Prompts.from_supervision takes the boxes, for a Segment node"
        )
    size = tuple(detections.mask.shape[1:])
    if size != tuple(hw):
        raise DataError(f"masks: got {size} for an image of {tuple(hw)} (height, width)")
    masks = Masks.from_rle([RLE.from_mask(mask) for mask in detections.mask], hw, prompts_from_supervision(detections))
    known = {name: _column(detections, name) for name in ("iou", "stability", "candidate")}
    fields = {"iou": "iou_scores", "stability": "stability", "candidate": "candidates"}
    changed = {fields[name]: values[:, None] for name, values in known.items() if values is not None}
    return masks.replace(**changed)


def masks_to_supervision(masks: Masks, *, compact: bool = False) -> sv.Detections:
    """Best masks with tight half-open boxes; see :meth:`Masks.to_supervision`."""
    import supervision as sv

    best = masks.best()
    prompts, count = best.prompts, len(best)
    iou = best.iou_scores[:, 0]
    unknown = np.full(count, np.nan, dtype=np.float32)
    score = unknown if prompts.scores is None else prompts.scores
    return sv.Detections(
        xyxy=best.boxes(),
        mask=_compact(best) if compact else best.binary(),
        confidence=_first_known(score, iou),
        class_id=_class_ids(prompts),
        tracker_id=None if prompts.track_ids is None else prompts.track_ids.copy(),
        data={
            _NAMES: np.array(prompts.labels or ("",) * count, dtype=np.str_),
            "score": np.array(score),
            "iou": np.array(iou),
            "stability": unknown if best.stability is None else np.array(best.stability[:, 0]),
            "candidate": np.array(best.candidates[:, 0]),
            "source": np.array(prompts.source or ("",) * count, dtype=np.str_),
        },
    )


def _compact(best: Masks) -> sv.CompactMask:
    import supervision as sv

    inclusive = best.boxes() - np.array([0, 0, 1, 1], dtype=np.float32)
    return sv.CompactMask.from_coco_rle([item.to_coco() for item in best.rle()], inclusive, best.hw)


def _first_known(score: FloatArray, iou: FloatArray) -> FloatArray:
    """The detector's confidence, else the predicted IoU, else 1."""
    return np.where(np.isnan(score), np.where(np.isnan(iou), np.float32(1), iou), score)


def _class_ids(prompts: Prompts) -> IntArray:
    """Class ids from 0 up: those that are known, then one for each name without."""
    count = len(prompts)
    ids = np.full(count, -1, dtype=np.int64) if prompts.class_ids is None else prompts.class_ids.copy()
    without = ids < 0
    if without.any():
        names = np.array(prompts.labels or ("",) * count, dtype=np.str_)[without]
        ids[without] = max(int(ids.max()), -1) + 1 + np.unique(names, return_inverse=True)[1]
    return ids


def _texts(detections: sv.Detections, name: str) -> tuple[str, ...] | None:
    values = detections.data.get(name)
    return None if values is None else tuple(str(value) for value in values)


def _column(detections: sv.Detections, name: str) -> NDArray[Any] | None:
    values = detections.data.get(name)
    if values is None:
        return None
    column = np.asarray(values)
    return column if column.shape == (len(detections),) and column.dtype.kind in "fiu" else None
