"""``supervision.KeyPoints`` as point prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import sampipe as sp
from sampipe_integrations._keypoints import keypoint_prompts

if TYPE_CHECKING:
    import supervision as sv


def prompts_from_key_points(
    key_points: sv.KeyPoints, *, min_confidence: float = 0.5, max_points: int | None = None
) -> sp.Prompts:
    """Prompts of n objects from ``supervision.KeyPoints``, which every pose model's results convert to.

    Args:
        key_points: (n, k) points; a point at 0, 0 is what supervision's converters write for one that was not
            found, and is not seen.
        min_confidence: points with less are not seen; where there are no confidences all others are.
        max_points: keep at most this many points of an object, evenly over their order.
    """
    if len(key_points) == 0:
        return sp.Prompts.empty()
    seen = (np.asarray(key_points.xy) != 0).any(axis=2)
    if key_points.visible is not None:
        seen &= np.asarray(key_points.visible)
    if key_points.keypoint_confidence is not None:
        seen &= np.asarray(key_points.keypoint_confidence) >= min_confidence
    names = key_points.data.get("class_name")
    return keypoint_prompts(
        key_points.xy,
        visible=seen,
        max_points=max_points,
        labels=None if names is None else [str(name) for name in names],
        class_ids=key_points.class_id,
        scores=key_points.detection_confidence,
        source="supervision.KeyPoints",
    )
