"""Masks as YOLO segmentation labels."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from sampipe._files import write_atomic
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_number, check_same_size, check_text
from sampipe.nodes.export._stems import FileStems
from sampipe.types import Image, Masks, Polygon

_PLACEHOLDER = re.compile(r"class \d+")
_NAMELESS = "object"


class SaveYolo(Node):
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

    pure: ClassVar[bool] = False

    directory: str = "labels"
    tolerance: float = 0.5

    def __post_init__(self) -> None:
        check_text(self, "directory", what="the path of a folder")
        check_number(self, "tolerance", least=0)

    @resource
    def stems(self) -> FileStems:
        """The names given so far."""
        return FileStems("classes")

    @resource
    def classes(self) -> ClassFile:
        """The classes seen so far."""
        return ClassFile(Path(self.directory) / "classes.txt")

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        numbers = self.classes.numbers(masks)
        scale = np.array(image.wh, np.float64)
        lines = [
            _line(number, one_ring(parts) / scale)
            for number, parts in zip(numbers, masks.polygons(self.tolerance), strict=True)
            if parts
        ]
        path = Path(self.directory) / f"{self.stems.of(image)}.txt"
        write_atomic(path, "".join(f"{line}\n" for line in lines).encode())
        return masks


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


class ClassFile:
    """``classes.txt``: written as soon as a class is new, so that label files never lack it; threads may
    share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            self._names = {number: name for number, name in enumerate(lines) if not _PLACEHOLDER.fullmatch(name)}

    def numbers(self, masks: Masks) -> list[int]:
        """The class number of each object."""
        labels = masks.prompts.labels or ("",) * len(masks)
        ids = masks.prompts.class_ids if masks.prompts.class_ids is not None else np.full(len(masks), -1)
        with self._lock:
            known = dict(self._names)
            numbers = [self._number(label, int(class_id)) for label, class_id in zip(labels, ids, strict=True)]
            if self._names != known or not self._path.exists():
                self._write()
        return numbers

    def _number(self, label: str, class_id: int) -> int:
        name = " ".join(label.split()) or (f"class {class_id}" if class_id >= 0 else _NAMELESS)
        for number, known in self._names.items():
            if known == name:
                return number
        free = next(number for number in range(len(self._names) + 1) if number not in self._names)
        number = class_id if class_id >= 0 and class_id not in self._names else free
        self._names[number] = name
        return number

    def _write(self) -> None:
        last = max(self._names, default=-1)
        lines = [self._names.get(number, f"class {number}") for number in range(last + 1)]
        write_atomic(self._path, "".join(f"{line}\n" for line in lines).encode())
