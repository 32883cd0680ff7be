"""Prompts that are written down: points, boxes, a grid, masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from sampipe.errors import DataError
from sampipe.graph import Node
from sampipe.types import Image, Prompts

_Point = Annotated[Sequence[float], Field(min_length=2, max_length=2)]


class Points(Node):
    """Clicks as prompts.

    Each foreground point is an object of its own, and background points count against every one of them;
    with ``one_object`` all points describe a single object.

    Args:
        points: [[x, y], ...] in pixels of the original image.
        labels: 1 (foreground) or 0 (background) for each point; all foreground by default.
        one_object: whether all points are of one object.
        names: what the objects are called, one name an object.

    Raises:
        DataError: points that are not pairs of finite numbers, labels other than 0 and 1, background points
            only.
    """

    points: Annotated[Sequence[_Point], Field(description="rows of 2 finite numbers, such as [[120, 80], [40, 200]]")]
    labels: (
        Annotated[Sequence[Literal[0, 1]], Field(description="one 1 (foreground) or 0 (background) for each point")]
        | None
    ) = None
    one_object: bool = False
    names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and len(self.labels) != len(self.points):
            raise DataError(
                f"Points: labels={list(self.labels)} for {len(self.points)} points; wanted one 1 (foreground) or 0 "
                "(background) for each point."
            )
        if self.points and self.labels is not None and 1 not in self.labels:
            raise DataError("Points: only background points (label 0); an object needs at least one with label 1.")
        _check_one_name_each(self, self.names, len(self._objects()))

    def run(self) -> Prompts:
        objects = self._objects()
        if not objects:
            return Prompts.empty()
        points, labels = np.stack([xy for xy, _ in objects]), np.stack([label for _, label in objects])
        return Prompts(
            points=points.astype(np.float32),
            point_labels=labels.astype(np.int8),
            labels=None if self.names is None else tuple(self.names),
            source=(self.type_id,) * len(objects),
        )

    def _objects(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Points (k, 2) and labels (k,) of each object."""
        points = np.asarray(self.points, np.float32).reshape(-1, 2)
        labels = np.ones(len(points), np.int8) if self.labels is None else np.asarray(self.labels, np.int8)
        if not len(points):
            return []
        if self.one_object:
            return [(points, labels)]
        background = labels == 0
        of_each = np.concatenate([[1], labels[background]])
        return [(np.concatenate([[point], points[background]]), of_each) for point in points[~background]]


class Boxes(Node):
    """Boxes as prompts, one object a box.

    Args:
        boxes: [[x1, y1, x2, y2], ...] in pixels of the original image, half-open.
        labels: what the objects are called, one name a box.

    Raises:
        DataError: boxes that are not four finite numbers each. Boxes that are inverted or reach outside the
            image are mended, and counted, where the image is known: in the Segment Anything node.
    """

    boxes: Annotated[
        Sequence[Annotated[Sequence[float], Field(min_length=4, max_length=4)]],
        Field(description="rows of 4 finite numbers, such as [[x1, y1, x2, y2]]"),
    ]
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        _check_one_name_each(self, self.labels, len(self.boxes))

    def run(self) -> Prompts:
        boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        labels = None if self.labels is None else tuple(self.labels)
        return Prompts.from_boxes(boxes, labels=labels, source=(self.type_id,) * len(boxes))


class PointGrid(Node):
    """One object at each point of an even grid over the whole image.

    The points lie in the middle of ``per_side`` × ``per_side`` equal cells, row by row (paper, appendix B).

    Args:
        per_side: points along each side, 1 to 1024.

    Raises:
        DataError: ``per_side`` is not such a number.
    """

    per_side: Annotated[int, Field(ge=1, le=1024)] = 32

    def run(self, image: Image) -> Prompts:
        points = grid_points(self.per_side, image.wh)
        return Prompts.from_points(points, source=(self.type_id,) * len(points))


def grid_points(per_side: int, wh: tuple[int, int]) -> np.ndarray:
    """Centres (per_side², 2) of equal cells over an image of (width, height) pixels, row by row, float32."""
    centres = (np.arange(per_side) + 0.5) / per_side
    x, y = np.meshgrid(centres * wh[0], centres * wh[1])
    return np.stack([x.ravel(), y.ravel()], axis=-1).astype(np.float32)


def _check_one_name_each(node: object, names: Sequence[str] | None, objects: int) -> None:
    if names is not None and len(names) != objects:
        raise DataError(
            f"{type(node).__name__}: {len(names)} names for {objects} objects; wanted one for each, or none at all."
        )
