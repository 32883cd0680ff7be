"""Regions of Label Studio, which are percents of the image, as prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

import sampipe as sp
from sampipe_integrations._detections import check_fraction
from sampipe_integrations.files.lookup import existing, file_digest, key_of

Regions = Sequence[Mapping[str, Any]]


class LabelStudioBoxes(sp.Node):
    """Rectangles and key points of a Label Studio export (JSON) for the image, as prompts.

    A rectangle is an object with a box. Key points that have the same ``parentID`` are one object, others an object
    each; ``is_positive: false`` is a background point.

    Args:
        path: the tasks as Label Studio exports them (JSON, not JSON-MIN), or as one imports pre-annotations.
        take: "predictions", the pre-annotations; "annotations", what people drew.
        image_key: the key of the picture in a task's ``data``.
        confidence: keep regions with at least this score; those without one are kept.

    Raises:
        DataError: no such file, not Label Studio's format, or an image that does not come from a file.
    """

    path: str
    take: Literal["predictions", "annotations"] = "predictions"
    image_key: str = "image"
    confidence: float = 0.0

    def __post_init__(self) -> None:
        check_fraction(confidence=self.confidence)
        if self.take not in ("predictions", "annotations"):
            raise sp.DataError(f"take: got {self.take!r}, wanted predictions or annotations")

    def requirements(self) -> Sequence[sp.Requirement]:
        """The file."""
        return (sp.Requirement.file(self.path),)

    def digest(self) -> str:
        """The parameters and what is in the file now."""
        return file_digest(self.path, super().digest())

    @sp.resource
    def regions(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """The regions by the picture's name."""
        file = existing(self.path, "an export of Label Studio")
        try:
            tasks = json.loads(file.read_text(encoding="utf-8"))
            found: dict[str, list[Mapping[str, Any]]] = {}
            for task in tasks if isinstance(tasks, list) else [tasks]:
                rows = found.setdefault(_file_name(task["data"][self.image_key]), [])
                for answer in task.get(self.take, ()):
                    if not answer.get("was_cancelled"):
                        rows.extend(answer["result"])
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise sp.DataError(
                f"{self.path}: not an export of Label Studio with pictures in data.{self.image_key} ({error!r})"
            ) from error
        return found

    def run(self, image: sp.Image) -> sp.Prompts:
        """The image's regions."""
        key = key_of(image, self.regions, self.path)
        rows = [row for row in self.regions.get(key or "", ()) if _score(row, otherwise=1.0) >= self.confidence]
        return prompts_from_results(rows, image.hw, source=self.type_id)


def prompts_from_results(regions: Regions, hw: tuple[int, int], *, source: str = "label_studio") -> sp.Prompts:
    """Prompts from the regions of a ``result``: rectangles and key points, what else there is left out.

    Args:
        regions: dicts with ``type`` and ``value``; coordinates in percent.
        hw: height and width of the image.
        source: what the prompts say that they come from.
    """
    boxes = [row for row in regions if str(row.get("type", "")).startswith("rectangle")]
    clicks: dict[str, list[Mapping[str, Any]]] = {}
    for index, row in enumerate(regions):
        if str(row.get("type", "")).startswith("keypoint"):
            clicks.setdefault(str(row.get("parentID") or f"#{index}"), []).append(row)
    parts = [_box(row, hw, source) for row in boxes] + [_points(rows, hw, source) for rows in clicks.values()]
    return sp.Prompts.concat(parts).sanitize(hw) if parts else sp.Prompts.empty()


def _box(row: Mapping[str, Any], hw: tuple[int, int], source: str) -> sp.Prompts:
    value = row["value"]
    x, y, width, height = (float(value[name]) / 100 for name in ("x", "y", "width", "height"))
    angle = np.deg2rad(float(value.get("rotation") or 0))  # about the corner x, y, clockwise
    across = np.array([np.cos(angle), np.sin(angle)]) * width * hw[1]
    down = np.array([-np.sin(angle), np.cos(angle)]) * height * hw[0]
    start = np.array([x * hw[1], y * hw[0]])
    corners = np.stack([start, start + across, start + down, start + across + down])
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    scores = [_score(row, otherwise=np.nan)]
    return sp.Prompts.from_boxes(box, labels=[_label(row)], scores=scores, source=source)


def _points(rows: Regions, hw: tuple[int, int], source: str) -> sp.Prompts:
    xy = [[row["value"]["x"] / 100 * hw[1], row["value"]["y"] / 100 * hw[0]] for row in rows]
    kinds = [0 if row.get("is_positive") in (False, 0) else 1 for row in rows]
    return sp.Prompts.from_points([xy], [kinds], labels=[_label(rows[0])], source=source)


def _label(row: Mapping[str, Any]) -> str:
    value = row["value"]
    names = next((value[key] for key in value if key.endswith("labels") and value[key]), [""])
    return str(names[0])


def _score(row: Mapping[str, Any], *, otherwise: float) -> float:
    score = row.get("score")
    return otherwise if score is None else float(score)


def _file_name(reference: str) -> str:
    """A task's picture without the address, the query and the upload's prefix."""
    path, _, query = reference.partition("?")
    if query.startswith("d="):  # local files: /data/local-files/?d=folder/picture.jpg
        path = query[2:].partition("&")[0]
    return path.partition("://")[2] or path.lstrip("/")
