"""Landmarks as mediapipe gives them: fractions of the image, a list for each person, hand or face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

import sampipe as sp
from sampipe_integrations._keypoints import keypoint_prompts


class Landmark(Protocol):
    """One point: mediapipe's ``NormalizedLandmark`` or anything with its ``x`` and ``y``, 0 to 1."""

    x: float | None
    y: float | None


def landmark_prompts(
    landmarks: Iterable[Iterable[Landmark]],
    image: sp.Image,
    *,
    min_visibility: float = 0.5,
    max_points: int | None = None,
    label: str | None = None,
) -> sp.Prompts:
    """Prompts from normalized landmarks, an object for each list.

    ::

        found = PoseLandmarker.create_from_model_path("pose.task").detect(image)
        prompts = landmark_prompts(found.pose_landmarks, image, label="person")

    Takes ``pose_landmarks``, ``hand_landmarks`` and ``face_landmarks`` of mediapipe's tasks.

    Args:
        landmarks: for each object its points; a point with a ``visibility`` below ``min_visibility`` or outside
            the image is not seen. Points without one (hands, faces) are.
        image: the image that they are fractions of.
        min_visibility: least visibility, 0 to 1.
        max_points: keep at most this many points of an object, evenly over their order; a face has 478.
        label: the name of every object.

    Raises:
        DataError: objects with different numbers of points.
    """
    rows = [list(points) for points in landmarks]
    if len({len(points) for points in rows}) > 1:
        raise sp.DataError(
            f"landmarks: got objects of {sorted({len(points) for points in rows})} points; wanted one kind of object"
        )
    if not rows or not rows[0]:
        return sp.Prompts.empty()
    fractions = np.array([[(_number(p.x), _number(p.y)) for p in points] for points in rows], np.float32)
    visible = np.array([[_visibility(p) >= min_visibility for p in points] for points in rows])
    visible &= ((fractions >= 0) & (fractions <= 1)).all(axis=2)
    return keypoint_prompts(
        fractions * np.array(image.wh, np.float32),
        visible=visible,
        max_points=max_points,
        labels=_names(label, len(rows)),
        source="keypoints.landmark_prompts",
    )


def _names(label: str | None, count: int) -> Sequence[str] | None:
    return None if label is None else [label] * count


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _visibility(point: Any) -> float:
    value = getattr(point, "visibility", None)
    return 1.0 if value is None else float(value)
