"""Masks as YOLO segmentation labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sampipe.graph import resource
from sampipe.nodes._checks import check_number
from sampipe.nodes.export._per_image import FilePerImage
from sampipe.nodes.export._stems import FileStems
from sampipe.nodes.export.class_file import ClassFile
from sampipe.types import Image, Masks, Polygon


class SaveYolo(FilePerImage):
    """``<stem>.txt`` for each image, a line for each object: class, then x y x y ... as shares of width and
    height.

    The format has one polygon an object, so parts and holes are joined to it by cuts of no width, which leave
    the filled area as it is. Objects without a pixel are left out; an image without objects gets an empty
    file (in training: a picture of background).

    ``classes.txt`` holds the names, one a line, at the line of their number. A number is the class id where
    prompts carry one, else the next that is free; a file that is there already goes on to count.

    Args:
        directory: where the files go.
        tolerance: pixels by which an outline may be simplified; 0 keeps every corner of every pixel.

    Raises:
        DataError: masks of another size than the image.
    """

    directory: str = "labels"
    tolerance: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self, "tolerance", least=0)

    @resource
    def stems(self) -> FileStems:
        """The names given so far."""
        return FileStems("classes")

    @resource
    def classes(self) -> ClassFile:
        """The classes seen so far."""
        return ClassFile(Path(self.directory) / "classes.txt")

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        numbers = self.classes.numbers(masks)
        scale = np.array(image.wh, np.float64)
        lines = [
            _line(number, one_ring(parts) / scale)
            for number, parts in zip(numbers, masks.polygons(self.tolerance), strict=True)
            if parts
        ]
        return {f"{stem}.txt": "".join(f"{line}\n" for line in lines).encode()}


def _line(number: int, ring: np.ndarray) -> str:
    return " ".join([str(number), *(f"{value:.6f}" for value in np.clip(ring, 0, 1).ravel())])


def one_ring(parts: Sequence[Polygon]) -> np.ndarray:
    """All parts and holes as a single ring (k, 2), joined at their nearest corners by cuts of no width."""
    rings = [ring for part in sorted(parts, key=lambda part: -part.area) for ring in (part.exterior, *part.holes)]
    joined = rings[0]
    for ring in rings[1:]:
        here, there = _nearest_corners(joined, ring)
        detour = np.concatenate([ring[there:], ring[: there + 1]])
        joined = np.concatenate([joined[: here + 1], detour, joined[here:]])
    return joined


def _nearest_corners(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    from scipy.spatial import cKDTree

    distances, nearest = cKDTree(a).query(b)
    there = int(np.argmin(distances))
    return int(nearest[there]), there
