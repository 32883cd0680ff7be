"""Frontal faces from the cascade of local binary patterns that scikit-image ships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

import sampipe as sp
from sampipe_integrations._detections import Count, Fraction, box_prompts

if TYPE_CHECKING:
    from skimage.feature import Cascade

FACE = {0: "face"}
SMALLEST_WINDOW = 24
"""Pixels, the size the cascade was trained at."""


class FaceDetector(sp.Node):
    """Upright frontal faces as box prompts in original-image pixels; needs no download.

    A cascade of boosted local binary patterns slides over the image at growing scales (Zhang et al., Face
    Detection Based on Multi-Block LBP Representation, ICB 2007). Fast and old: it misses profiles and small
    or tilted faces, sometimes takes a texture for a face, and gives no score.

    Args:
        scale_factor: how much the window grows from one scale to the next, above 1.
        step_ratio: how far the window moves, 1 is everywhere; faster and coarser up to about 1.5.
        min_size: the smallest face, side in pixels.
        max_size: the largest face; the image's shorter side by default.
        min_neighbors: how many raw detections have to agree; fewer finds more faces and more mistakes.
        overlap: detections that share more than this part of the smaller one are merged.

    Raises:
        DataError: a parameter outside its range.
    """

    scale_factor: Annotated[float, Field(gt=1)] = 1.15
    step_ratio: Annotated[float, Field(ge=1)] = 1.0
    min_size: Count = 60
    max_size: Count | None = None
    min_neighbors: Annotated[int, Field(ge=0)] = 6
    overlap: Fraction = 0.5

    def __post_init__(self) -> None:
        if self.max_size is not None and self.max_size < self.min_size:
            raise sp.DataError(
                f"FaceDetector: max_size={self.max_size} is below min_size={self.min_size}; wanted at least that."
            )

    def requirements(self) -> Sequence[sp.Requirement]:
        """scikit-image, which the core brings."""
        return (sp.Requirement.package("skimage", pip="scikit-image"),)

    @sp.resource(shared=lambda self: "skimage.lbp_frontal_face_cascade")
    def cascade(self) -> Cascade:
        """The cascade from scikit-image's own file."""
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade

        return Cascade(lbp_frontal_face_cascade_filename())

    def run(self, image: sp.Image) -> sp.Prompts:
        """Detect faces in ``image``."""
        boxes = merge_overlapping(self._windows(image), self.overlap)
        class_ids = np.zeros(len(boxes), np.int64)
        return box_prompts(image, boxes, class_ids=class_ids, names=FACE, scores=None, source=self.type_id)

    def _windows(self, image: sp.Image) -> NDArray[np.float32]:
        smallest = max(self.min_size, SMALLEST_WINDOW)
        largest = min(self.max_size or max(image.hw), *image.hw)
        if largest < smallest:
            return np.zeros((0, 4), np.float32)
        found = self.cascade.detect_multi_scale(
            img=image.pixels,
            scale_factor=self.scale_factor,
            step_ratio=self.step_ratio,
            min_size=(smallest, smallest),
            max_size=(largest, largest),
            min_neighbor_number=self.min_neighbors,
            intersection_score_threshold=self.overlap,
        )
        windows = [(w["c"], w["r"], w["c"] + w["width"], w["r"] + w["height"]) for w in found]
        return np.array(windows, np.float32).reshape(-1, 4)


def merge_overlapping(boxes: NDArray[np.float32], overlap: float) -> NDArray[np.float32]:
    """Boxes (m, 4), larger first, without those that lie to more than ``overlap`` inside a larger one."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for row in np.argsort(-areas, kind="stable"):
        sides = np.minimum(boxes[row, 2:], boxes[kept, 2:]) - np.maximum(boxes[row, :2], boxes[kept, :2])
        shared = np.clip(sides, 0, None).prod(axis=1)
        if not (shared > overlap * areas[row]).any():
            kept.append(int(row))
    return boxes[kept]
