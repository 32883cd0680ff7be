"""Annotated images: what every reader gives and every writer takes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np

from sampipe.data.report import ReadReport
from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks, Prompts
from sampipe.types.image import image_hw

NAMELESS = "object"
Id = int | str


@dataclass(frozen=True)
class GroundTruth:
    """One annotated object.

    Args:
        id: as the file has it; no other object of the file has the same.
        category: its name.
        xyxy: the box, half-open, pixels of the image.
        mask: of an object that has only a box: the box, filled.
        category_id: as the file has it; None where the format knows names only.
        crowd: stands for many things (COCO's ``iscrowd``).
        box_only: whether there was no mask.
        area: in px², where the file states one.
        scores: ``score`` (a detector's), ``predicted_iou`` and ``stability``, where they are known.
        extra: what else the file says of it, such as key points or attributes.
        track_id: of an object of a video, the same in all frames.
    """

    id: Id
    category: str
    xyxy: tuple[float, float, float, float]
    mask: RLE
    category_id: Id | None = None
    crowd: bool = False
    box_only: bool = False
    area: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    track_id: int | None = None

    @classmethod
    def of_mask(cls, key: Id, category: str, mask: RLE, **more: Any) -> GroundTruth:
        """An object whose box is its mask's."""
        x0, y0, x1, y1 = (float(value) for value in mask.box)
        return cls(key, category, (x0, y0, x1, y1), mask, **more)


def cut_box(xyxy: tuple[float, float, float, float], hw: tuple[int, int]) -> tuple[float, float, float, float]:
    """A box cut at the edges of an image; one that lies outside has no width or no height any more."""
    (x0, x1), (y0, y1) = (
        [min(max(side, 0.0), float(most)) for side in sides]
        for sides, most in zip((xyxy[::2], xyxy[1::2]), hw[::-1], strict=True)
    )
    return x0, y0, x1, y1


@dataclass(frozen=True)
class Category:
    """A category that a file declares, used or not; ``extra`` is what else the file says of it."""

    id: Id
    name: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AnnotatedImage:
    """An image file and the objects annotated on it.

    Args:
        path: of the file.
        objects: may be none: an image of background.
        size: height and width, where the annotations say them.
        name: the file's path from the root of its data set, POSIX, NFC; the file's own name where that is not known.
        id: as the file of annotations has it.
        extra: what else that file says of the image.
    """

    path: Path
    objects: tuple[GroundTruth, ...] = ()
    size: tuple[int, int] | None = None
    name: str = ""
    id: Id | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.path.name)

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width: as annotated, else of the decoded file.

        Raises:
            DataError: the file must be read for it and cannot be.
        """
        if self.size is not None:
            return self.size
        return self.objects[0].mask.hw if self.objects else Image.open(self.path).hw

    def open(self) -> Image:
        """The image.

        Raises:
            DataError: it cannot be read, or is of another size than its annotations.
        """
        image = Image.open(self.path)
        known = self.size or (self.objects[0].mask.hw if self.objects else image.hw)
        if image.hw != known:
            raise DataError(f"{self.path}: the file is {image.hw}, its annotations {known} (height, width)")
        return image

    def check_size(self) -> None:
        """Compare the annotations with the file, of which the header is read.

        Raises:
            DataError: it cannot be read, or is of another size.
        """
        hw = image_hw(self.path)
        if hw != self.hw:
            raise DataError(f"{self.path}: the file is {hw}, its annotations {self.hw} (height, width)")

    def with_objects(self, objects: Sequence[GroundTruth]) -> AnnotatedImage:
        """The same image with other objects."""
        return AnnotatedImage(self.path, tuple(objects), self.size, self.name, self.id, self.extra)

    def masks(self) -> Masks:
        """The objects as masks with boxes, labels, class ids and scores as prompts."""
        if not self.objects:
            return Masks.empty(self.hw)
        numbers = [class_number(one.category_id) for one in self.objects]
        scores = [one.scores.get("score", math.nan) for one in self.objects]
        tracks = [one.track_id for one in self.objects if one.track_id is not None]
        ious = [[one.scores.get("predicted_iou", math.nan)] for one in self.objects]
        prompts = Prompts.from_boxes(
            np.array([one.xyxy for one in self.objects], np.float32),
            labels=[one.category for one in self.objects],
            class_ids=None if all(number == -1 for number in numbers) else np.array(numbers, np.int64),
            scores=None if np.isnan(scores).all() else np.array(scores, np.float32),
        ).replace(track_ids=np.array(tracks, np.int64) if len(tracks) == len(self.objects) else None)
        masks = Masks.from_rle([one.mask for one in self.objects], self.hw, prompts)
        return masks.replace(iou_scores=np.array(ious, np.float32))


def class_number(key: Id | None) -> int:
    """A category's id as a class id of prompts; -1 for text and for numbers that they cannot be."""
    return key if isinstance(key, int) and 0 <= key < 2**63 else -1


Reads = Callable[[], AnnotatedImage]
"""One image with its objects, read when it is asked for."""


class Files(Sequence[Reads]):
    """Readers of files that hold an image's annotations each. Only names are kept, in one array, so that millions of
    them are a few hundred megabytes and worker processes share them.

    Args:
        root: that the files lie below.
        files: their paths.
        read: one of them.
    """

    def __init__(self, root: Path, files: Sequence[Path], read: Callable[[Path], AnnotatedImage]) -> None:
        self._root, self._read = root, read
        self._names = np.array([os.fsencode(file.relative_to(root)) for file in files])

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Reads: ...
    @overload
    def __getitem__(self, index: slice) -> list[Reads]: ...
    def __getitem__(self, index: int | slice) -> Reads | list[Reads]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return partial(self._read, self._root / os.fsdecode(bytes(self._names[index])))


@dataclass(frozen=True)
class Dataset:
    """A folder or file of annotated images, read one by one.

    Args:
        source: where it is.
        format: its name in :data:`sampipe.data.formats.FORMATS`.
        images: a reader for each image.
        categories: that the files declare; empty where the format has none.
        report: grows as images are read.
        extra: what else the file says of all images, such as COCO's ``info`` and ``licenses``.
    """

    source: Path
    format: str
    images: Sequence[Reads]
    categories: tuple[Category, ...] = ()
    report: ReadReport = field(default_factory=ReadReport)
    extra: Mapping[str, Any] = field(default_factory=dict)


def objects_of(masks: Masks) -> tuple[GroundTruth, ...]:
    """The objects of masks of one candidate each that have a pixel at all, numbered from 1."""
    prompts, found = masks.prompts, []
    for i, rle in enumerate(masks.rle()):
        if rle.area == 0:
            continue
        known = {
            "score": None if prompts.scores is None else float(prompts.scores[i]),
            "predicted_iou": float(masks.iou_scores[i, 0]),
            "stability": None if masks.stability is None else float(masks.stability[i, 0]),
        }
        scores = {name: value for name, value in known.items() if value is not None and math.isfinite(value)}
        class_id = -1 if prompts.class_ids is None else int(prompts.class_ids[i])
        track_id = -1 if prompts.track_ids is None else int(prompts.track_ids[i])
        one = GroundTruth.of_mask(
            i + 1, label(masks, i), rle, category_id=class_id if class_id >= 0 else None, scores=scores
        )
        found.append(replace(one, track_id=track_id) if track_id >= 0 else one)
    return tuple(found)


def label(masks: Masks, i: int) -> str:
    """The label of an object; ``class 3`` or ``object`` where it has none."""
    prompts = masks.prompts
    text = "" if prompts.labels is None else prompts.labels[i]
    if text:
        return text
    class_id = -1 if prompts.class_ids is None else int(prompts.class_ids[i])
    return f"class {class_id}" if class_id >= 0 else NAMELESS


def score(masks: Masks, i: int) -> float | None:
    """The detector's score of an object, else the predicted IoU; None without either."""
    values = [] if masks.prompts.scores is None else [float(masks.prompts.scores[i])]
    values.append(float(masks.iou_scores[i, 0]))
    return next((value for value in values if math.isfinite(value)), None)


def masks_of(
    rles: Sequence[RLE], hw: tuple[int, int], *, labels: Sequence[str] | None, scores: Sequence[float | None] = ()
) -> Masks:
    """Masks with their boxes as prompts, and labels and scores where the file has them for every object."""
    if not rles:
        return Masks.empty(hw)
    known = bool(scores) and all(value is not None for value in scores)
    prompts = Prompts.from_boxes(
        np.array([rle.box for rle in rles], np.float32),
        labels=labels,
        scores=np.array(scores, np.float32) if known else None,
    )
    return Masks.from_rle(rles, hw, prompts)
