"""COCO's JSON: boxes and key points of instances.json, person_keypoints.json or of a detector's results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import check_fraction
from sampipe_integrations._keypoints import keypoint_prompts
from sampipe_integrations.files.lookup import existing, file_digest, key_of


class CocoBoxes(sp.Node):
    """The boxes (and key points) that a COCO file has for the image, as prompts.

    The image is found by its file name. ``iscrowd`` boxes, which stand for many things, are left out.

    Args:
        path: a COCO file with ``images`` and ``annotations``; boxes are x, y, width, height.
        results: a results file (a list of detections with ``image_id`` and ``score``) to take in place of the
            annotations.
        confidence: keep detections with at least this score.
        keypoints: send the visible key points along as points.
        boxes: send the boxes; without them the key points speak alone.

    Raises:
        DataError: no such file, not COCO's format, or an image that does not come from a file.
    """

    path: str
    results: str | None = None
    confidence: float = 0.0
    keypoints: bool = False
    boxes: bool = True

    def __post_init__(self) -> None:
        check_fraction(confidence=self.confidence)
        if not (self.boxes or self.keypoints):
            raise sp.DataError("CocoBoxes: neither boxes nor keypoints: wanted at least one of them")

    def requirements(self) -> Sequence[sp.Requirement]:
        """The files."""
        return tuple(sp.Requirement.file(path) for path in (self.path, self.results) if path)

    def digest(self) -> str:
        """The parameters and what is in the files now."""
        return file_digest(self.results or "", file_digest(self.path, super().digest()))

    @sp.resource
    def rows(self) -> Mapping[str, list[dict[str, Any]]]:
        """The annotations by the image's file name."""
        document = _read(self.path)
        names = {image["id"]: str(image["file_name"]) for image in document["images"]}
        classes = {row["id"]: str(row["name"]) for row in document.get("categories", ())}
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names.values()}
        given = document.get("annotations", ()) if self.results is None else _read(self.results)
        for row in given:
            if row.get("iscrowd") or row["image_id"] not in names:
                continue
            named = {**row, "label": classes.get(row["category_id"], str(row["category_id"]))}
            rows[names[row["image_id"]]].append(named)
        return rows

    def run(self, image: sp.Image) -> sp.Prompts:
        """The image's boxes."""
        name = key_of(image, self.rows, self.path)
        rows = [row for row in self.rows.get(name or "", ()) if row.get("score", 1.0) >= self.confidence]
        if not rows:
            return sp.Prompts.empty()
        count = max(len(row.get("keypoints", ())) // 3 for row in rows) if self.keypoints else 0
        points = np.array([_points(row, count) for row in rows], np.float32).reshape(len(rows), count, 3)
        prompts = keypoint_prompts(
            points[..., :2] if count else np.zeros((len(rows), 1, 2)),
            visible=points[..., 2] > 0 if count else np.zeros((len(rows), 1), bool),
            boxes=_boxes(rows, self.path) if self.boxes else None,
            labels=[row["label"] for row in rows],
            class_ids=[row["category_id"] for row in rows],
            scores=[row.get("score", np.nan) for row in rows],
            source=self.type_id,
        )
        return (prompts if count else prompts.replace(points=None, point_labels=None)).sanitize(image.hw)


def _points(row: Mapping[str, Any], count: int) -> list[float]:
    """COCO's x, y, v of each point; v is 0 for a point that was not labelled."""
    values = list(row.get("keypoints", ()))[: count * 3]
    return values + [0.0] * (count * 3 - len(values))


def _boxes(rows: Sequence[Mapping[str, Any]], where: str) -> np.ndarray:
    try:
        xywh = np.array([row["bbox"] for row in rows], np.float32).reshape(-1, 4)
    except (KeyError, ValueError, TypeError) as error:
        raise sp.DataError(f"{where}: an annotation without a box x, y, width, height ({error!r})") from error
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def _read(path: str) -> Any:
    file = existing(path, "a COCO file")
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise sp.DataError(f"{path}: not JSON ({error})") from error
    rows = document if isinstance(document, list) else document.get("images")
    wanted = {"image_id", "category_id"} if isinstance(document, list) else {"id", "file_name"}
    if not isinstance(rows, list) or not all(isinstance(row, dict) and wanted <= row.keys() for row in rows):
        raise sp.DataError(
            f"{path}: not COCO's format; wanted {{images, annotations, categories}}, or a list of results with "
            "image_id, category_id, bbox and score"
        )
    if isinstance(document, dict):
        for row in document.get("annotations", ()):
            if not isinstance(row, dict) or not {"image_id", "category_id"} <= row.keys():
                raise sp.DataError(f"{path}: an annotation lacks image_id or category_id: {str(row)[:80]}")
    return document
