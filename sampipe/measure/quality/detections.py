"""Detections to be turned into masks: from a file of COCO results, or from a detector node."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.annotations import Annotations
from sampipe.data.coco_results import read_results
from sampipe.data.schema import read_bytes
from sampipe.errors import DataError
from sampipe.graph import Node
from sampipe.types import Image, Prompts


@dataclass(frozen=True)
class Detections:
    """n boxes of one image, best first: ``boxes`` (n, 4) xyxy in pixels, ``scores`` (n,), ``category_ids`` (n,)
    as the data have them."""

    boxes: np.ndarray
    scores: np.ndarray
    category_ids: np.ndarray
    unknown: int = 0  #: detections of categories that the data do not have, left out

    def best(self, most: int, *, of_all: bool = False) -> Detections:
        """By score, at most so many of each category, as pycocotools counts them; or of all, as LVIS does."""
        order = np.argsort(-self.scores, kind="stable")
        if of_all:
            order = order[:most]
        else:
            seen: Counter[Any] = Counter()
            ranks = []
            for key in self.category_ids[order].tolist():
                ranks.append(seen[key])
                seen[key] += 1
            order = order[np.array(ranks, np.int64) < most]
        return Detections(self.boxes[order], self.scores[order], self.category_ids[order], self.unknown)


class BoxSource(Protocol):
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
        self.digest = hashlib.blake2b(read_bytes(path), digest_size=16).hexdigest()
        self._rows = read_results(
            path, [image.id for image in annotations.images if image.id is not None], annotations.categories
        )
        self._ids = {str(key): key for key in annotations.categories}
        if not any(self._rows.values()):
            raise DataError(f"{path}: none of its results is about an image that takes part")

    def of(self, annotated: AnnotatedImage, image: Image) -> Detections:
        """What the file says of the image."""
        rows = self._rows.get(str(annotated.id), ())
        return Detections(
            np.array([row.xyxy for row in rows], np.float64).reshape(-1, 4),
            np.array([row.score for row in rows], np.float64),
            np.array([self._ids[str(row.category_id)] for row in rows], object),
        )


class DetectorNode:
    """A detector: any node from ``Image`` to ``Prompts`` with boxes, labels and scores.

    Its classes are those of the data that have the same name.
    """

    def __init__(self, node: Node, annotations: Annotations) -> None:
        self.digest = node.digest()
        self._node: Any = node
        self._ids = {row.name: key for key, row in annotations.categories.items()}

    def of(self, annotated: AnnotatedImage, image: Image) -> Detections:
        """What the detector finds in the image.

        Raises:
            DataError: it gives no boxes, names or scores.
        """
        prompts = self._node(image)
        if not isinstance(prompts, Prompts) or prompts.boxes is None or prompts.labels is None:
            raise DataError(f"{self._node.describe()} is no detector: wanted Prompts with boxes, labels and scores")
        scores = np.ones(len(prompts)) if prompts.scores is None else prompts.scores
        if not np.isfinite(scores).all():
            raise DataError(f"{self._node.describe()}: a score of {image.source} is not finite")
        known = np.array([label in self._ids for label in prompts.labels], bool)
        ids = [self._ids[label] for label in prompts.labels if label in self._ids]
        return Detections(
            prompts.boxes[known].astype(np.float64),
            scores[known].astype(np.float64),
            np.array(ids, object),
            int((~known).sum()),
        )
