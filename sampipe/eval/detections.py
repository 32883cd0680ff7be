"""Detections to be turned into masks: from a file of COCO results, or from a detector node."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sampipe.errors import DataError
from sampipe.eval.annotations import AnnotatedImage, Annotations
from sampipe.graph import Node
from sampipe.types import Image, Prompts


@dataclass(frozen=True)
class Detections:
    """n boxes of one image, best first: ``boxes`` (n, 4) xyxy in pixels, ``scores`` (n,), ``category_ids`` (n,)."""

    boxes: np.ndarray
    scores: np.ndarray
    category_ids: np.ndarray
    unknown: int = 0  #: detections of categories that the data do not have, left out

    def best(self, most: int) -> Detections:
        """At most so many, by score."""
        order = np.argsort(-self.scores, kind="stable")[:most]
        return Detections(self.boxes[order], self.scores[order], self.category_ids[order], self.unknown)


class Source(Protocol):
    """Where detections come from; ``digest`` names its content."""

    digest: str

    def of(self, annotated: AnnotatedImage, image: Image) -> Detections:
        """The detections of an image."""


class ResultsFile:
    """A JSON file in COCO's results format: ``image_id``, ``category_id``, ``bbox`` (x, y, width, height), ``score``.

    Args:
        path: the file; masks in it are not looked at.
        annotations: whose images and categories it is about.

    Raises:
        DataError: it cannot be read, or names a category that the annotations do not have.
    """

    def __init__(self, path: Path, annotations: Annotations) -> None:
        try:
            content = path.read_bytes()
            rows = json.loads(content)
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise DataError(f"{path}: cannot be read as COCO results: {error}") from error
        self.digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        self._rows: dict[int, list[Mapping[str, Any]]] = {image.id: [] for image in annotations.images}
        known = annotations.categories
        for number, row in enumerate(rows if isinstance(rows, list) else [None]):
            if not _is_result(row):
                raise DataError(
                    f"{path}: result {number} is {json.dumps(row)[:80]}; wanted a list of image_id, category_id, "
                    "bbox [x, y, width, height] and score"
                )
            if row["category_id"] not in known:
                raise DataError(f"{path}: result {number} is of category {row['category_id']}, which the data lack")
            if row["image_id"] in self._rows:
                self._rows[row["image_id"]].append(row)
        if not any(self._rows.values()):
            raise DataError(f"{path}: none of its results is about an image that takes part")

    def of(self, annotated: AnnotatedImage, image: Image) -> Detections:
        """What the file says of the image."""
        rows = self._rows[annotated.id]
        boxes = np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return Detections(
            boxes,
            np.array([row["score"] for row in rows], np.float64),
            np.array([row["category_id"] for row in rows], np.int64),
        )


class DetectorNode:
    """A detector: any node from ``Image`` to ``Prompts`` with boxes, labels and scores.

    Its classes are those of the data that have the same name.
    """

    def __init__(self, node: Node, annotations: Annotations) -> None:
        self.digest = node.digest()
        self._node: Any = node
        self._ids = {str(row["name"]): key for key, row in annotations.categories.items()}

    def of(self, annotated: AnnotatedImage, image: Image) -> Detections:
        """What the detector finds in the image.

        Raises:
            DataError: it gives no boxes, names or scores.
        """
        prompts = self._node(image)
        if not isinstance(prompts, Prompts) or prompts.boxes is None or prompts.labels is None:
            raise DataError(f"{self._node.describe()} is no detector: wanted Prompts with boxes, labels and scores")
        scores = np.ones(len(prompts)) if prompts.scores is None else prompts.scores
        known = np.array([label in self._ids for label in prompts.labels], bool)
        ids = [self._ids[label] for label in prompts.labels if label in self._ids]
        return Detections(
            prompts.boxes[known].astype(np.float64),
            scores[known].astype(np.float64),
            np.array(ids, np.int64),
            int((~known).sum()),
        )


def _is_result(row: Any) -> bool:
    if not isinstance(row, dict) or not {"image_id", "category_id", "bbox", "score"} <= set(row):
        return False
    box: Sequence[Any] = row["bbox"]
    numbers = [*box, row["score"]] if isinstance(box, list) and len(box) == 4 else [None]
    return all(isinstance(value, int | float) for value in numbers)
