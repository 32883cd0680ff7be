"""Regions of Label Studio, which are percents of the image, as prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import sampipe as sp
from sampipe.data.label_studio import first_text, tasks_of
from sampipe.data.names import task_image
from sampipe.data.schema import Row
from sampipe_integrations._detections import Fraction
from sampipe_integrations.files.lookup import PromptRows, existing

Regions = Sequence[Mapping[str, Any]]
_FAR = 1e6  # percent


@dataclass(frozen=True)
class Region:
    """A rectangle or a key point, checked; numbers are percents of the image's width and height.

    Args:
        xy: the first corner, or the point.
        wh: width and height of a rectangle; None: a point.
        rotation: of a rectangle about its first corner, in degrees, clockwise.
        positive: whether a point is on the object.
        label, score: of the region; NaN without a score.
        parent: what regions of one object have in common; "" for one on its own.
    """

    xy: tuple[float, float]
    wh: tuple[float, float] | None
    rotation: float
    positive: bool
    label: str
    score: float
    parent: str


class LabelStudioBoxes(sp.Node):
    """Rectangles and key points of a Label Studio export (JSON) for the image, as prompts.

    A rectangle is an object with a box. Key points that have the same ``parentID`` are one object, with the rectangle
    of that ``parentID`` where there is one; others are an object each; ``is_positive: false`` is a background point.

    Args:
        path: the tasks as Label Studio exports them (JSON, not JSON-MIN), or as one imports pre-annotations.
        take: "predictions", the pre-annotations; "annotations", what people drew.
        image_key: the key of the image in a task's ``data``.
        confidence: keep regions with at least this score; those without one are kept.

    Raises:
        DataError: no such file, not Label Studio's format, or an image that does not come from a file.
    """

    path: str
    take: Literal["predictions", "annotations"] = "predictions"
    image_key: str = "image"
    confidence: Fraction = 0.0

    def requirements(self) -> Sequence[sp.Requirement]:
        """The file."""
        return (sp.Requirement.file(self.path),)

    def input_files(self) -> Sequence[str]:
        """The file."""
        return (self.path,)

    @sp.resource
    def regions(self) -> PromptRows[Region]:
        """The regions by the image's name; every one of the file is checked."""
        found: dict[str, list[Region]] = {}
        skipped: dict[str, list[str]] = {}
        for task in tasks_of(existing(self.path, "an export of Label Studio")):
            name = task_image(task.row("data").text(self.image_key))
            rows, others = found.setdefault(name, []), skipped.setdefault(name, [])
            for answer in task.rows(self.take, optional=True):
                regions = answer.rows("result")
                if answer.value.get("was_cancelled"):
                    others += ["a region of an annotation that its author skipped"] * len(regions)
                    continue
                rows += _regions(regions)
                kinds = (_kind(row) for row in regions)
                others += [f"a region of the type {kind or 'null'}" for kind in kinds if not _is_prompt(kind)]
            others += _not_taken(task, self.take)
        return PromptRows(found, self.path, skipped=skipped)

    def left_out(self, sources: Sequence[str]) -> Sequence[str]:
        """The regions that meet no image."""
        return self.regions.left_out(sources)

    def run(self, image: sp.Image) -> sp.Prompts:
        """The image's regions."""
        found, notes = self.regions.find(image.source)
        prompts = _prompts([row for row in found if not row.score < self.confidence], image.hw, self.type_id)
        return prompts.replace(notes=(*notes, *prompts.notes))


def prompts_from_results(regions: Regions, hw: tuple[int, int], *, source: str = "label_studio") -> sp.Prompts:
    """Prompts from the regions of a ``result``: rectangles and key points, what else there is left out.

    Args:
        regions: dicts with ``type`` and ``value``; coordinates in percent.
        hw: height and width of the image.
        source: what the prompts say that they come from.

    Raises:
        DataError: a region lacks what it needs, or its numbers are none; names region and field.
    """
    return _prompts(_regions([Row(dict(one), f"region {k}") for k, one in enumerate(regions)]), hw, source)


def _regions(rows: Sequence[Row]) -> list[Region]:
    """The rectangles and key points, each with the numbers that it needs."""
    return [_region(row, kind) for row in rows if _is_prompt(kind := _kind(row))]


def _kind(row: Row) -> str:
    return row.text("type") if row.has("type") else ""


def _is_prompt(kind: str) -> bool:
    return kind.startswith(("rectangle", "keypoint"))


def _not_taken(task: Row, take: str) -> list[str]:
    """What to say of the regions of a task that has nothing of what is taken."""
    other = "annotations" if take == "predictions" else "predictions"
    if task.value.get(take):
        return []
    count = sum(len(answer.rows("result")) for answer in task.rows(other, optional=True) if answer.has("result"))
    return [f'a region among the {other}, which take="{other}" reads'] * count


def _region(row: Row, kind: str) -> Region:
    value = row.row("value")
    boxed = kind.startswith("rectangle")
    names = next((named for key, named in value.value.items() if key.endswith("labels") and named), None)
    score, rotation = row.optional_number("score"), value.optional_number("rotation", least=-_FAR, most=_FAR)
    return Region(
        xy=_pair(value, "x", "y"),
        wh=_pair(value, "width", "height") if boxed else None,
        rotation=rotation or 0.0,
        positive=row.flag("is_positive") if row.has("is_positive") else True,
        label=first_text(names, f"{value.place}: labels"),
        score=np.nan if score is None else score,
        parent=str(row.id("parentID")) if row.value.get("parentID") else "",
    )


def _pair(value: Row, first: str, second: str) -> tuple[float, float]:
    return value.number(first, least=-_FAR, most=_FAR), value.number(second, least=-_FAR, most=_FAR)


def _prompts(regions: Sequence[Region], hw: tuple[int, int], source: str) -> sp.Prompts:
    parents: dict[str, list[Region]] = {}
    for index, one in enumerate(regions):
        parents.setdefault(one.parent or f"#{index}", []).append(one)
    parts = [part for rows in parents.values() for part in _objects(rows, hw, source)]
    return sp.Prompts.concat(parts).sanitize(hw) if parts else sp.Prompts.empty()


def _objects(rows: Sequence[Region], hw: tuple[int, int], source: str) -> list[sp.Prompts]:
    """What regions of one parent point at: its box and clicks together; of several boxes each for itself."""
    boxes = [_box(row, row.wh, hw, source) for row in rows if row.wh is not None]
    clicks = [row for row in rows if row.wh is None]
    if not clicks:
        return boxes
    points = _points(clicks, hw, source)
    if len(boxes) != 1:
        return [*boxes, points]
    return [boxes[0].replace(points=points.points, point_labels=points.point_labels)]


def _box(row: Region, wh: tuple[float, float], hw: tuple[int, int], source: str) -> sp.Prompts:
    percent = np.array([hw[1], hw[0]]) / 100
    angle = np.deg2rad(row.rotation)
    across = np.array([np.cos(angle), np.sin(angle)]) * wh[0] * percent[0]
    down = np.array([-np.sin(angle), np.cos(angle)]) * wh[1] * percent[1]
    start = np.array(row.xy) * percent
    corners = np.stack([start, start + across, start + down, start + across + down])
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return sp.Prompts.from_boxes(box, labels=[row.label], scores=[row.score], source=source)


def _points(rows: Sequence[Region], hw: tuple[int, int], source: str) -> sp.Prompts:
    xy = [[row.xy[0] / 100 * hw[1], row.xy[1] / 100 * hw[0]] for row in rows]
    return sp.Prompts.from_points([xy], [[int(row.positive) for row in rows]], labels=[rows[0].label], source=source)
