"""What the Segment Anything nodes of other packages share: prompts in groups that are prompted alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import sampipe as sp

MULTIMASK = ("auto", "always", "never")
_OBJECTS_AT_ONCE = 32

Answer = tuple[Any, NDArray[np.float32]]
"""Low-resolution logits (g, c, m, m), a float tensor on the CPU, and predicted IoU (g, c)."""


@dataclass(frozen=True)
class Group:
    """Objects that have the same number of points and that all have a box, or none.

    Args:
        rows: which objects of the prompts these are, (g,).
        points: (g, k, 2) in pixels of the image, or None.
        point_labels: (g, k) of 1 and 0, or None.
        boxes: (g, 4) or None.
    """

    rows: NDArray[np.int64]
    points: NDArray[np.float32] | None
    point_labels: NDArray[np.int64] | None
    boxes: NDArray[np.float32] | None


class Promptable(Protocol):
    """A loaded model that answers points and boxes."""

    def frame(self, image: sp.Image) -> sp.Frame:
        """How the image lies in the model's input."""

    def answer(self, image: sp.Image, groups: Sequence[Group], *, several: bool) -> list[Answer]:
        """Masks of each group's objects: three candidates each with ``several``, else one."""


def segment(model: Promptable, image: sp.Image, prompts: sp.Prompts, *, multimask: str, of: str) -> sp.Masks:
    """Masks of usable prompts (at least one) in their order, as low-resolution logits.

    Args:
        model: answers.
        image: the picture.
        prompts: sanitized.
        multimask: "auto", "always" or "never".
        of: the node's name, for messages.

    Raises:
        DataError: mask or text prompts.
    """
    import torch

    several = _wants_several(prompts, multimask)
    parts = list(groups(prompts, most=_OBJECTS_AT_ONCE, of=of))
    answers = model.answer(image, parts, several=several)
    width, side = (3 if several else 1), answers[0][0].shape[-1]
    logits = torch.empty(len(prompts), width, side, side)
    scores = np.empty((len(prompts), width), np.float32)
    for part, (low, quality) in zip(parts, answers, strict=True):
        logits[part.rows], scores[part.rows] = low, quality
    return sp.Masks(frame=model.frame(image), prompts=prompts, iou_scores=scores, logits=logits)


def check_multimask(multimask: str) -> None:
    """Raise DataError for a word that is none of "auto", "always" and "never"."""
    if multimask not in MULTIMASK:
        raise sp.DataError(f"multimask: got {multimask!r}, wanted one of {', '.join(MULTIMASK)}")


def _wants_several(prompts: sp.Prompts, multimask: str) -> bool:
    """Whether to ask for three candidates: always, never, or where an object has nothing but one point."""
    if multimask != "auto":
        return multimask == "always"
    if prompts.point_labels is None:
        return False
    lone = (prompts.point_labels >= 0).sum(axis=1) == 1
    return bool((lone & ~prompts.has_boxes).any())


def groups(prompts: sp.Prompts, *, most: int, of: str) -> Iterator[Group]:
    """The objects in groups of at most ``most`` that are prompted alike; no padding is left in the points.

    Raises:
        DataError: prompts of a kind that only sampipe's own Segment takes.
    """
    for kind, present in (("masks", prompts.has_masks), ("text", prompts.has_text)):
        if present.any():
            raise sp.DataError(f"{of} takes points and boxes as prompts, not {kind}; the node Segment takes them all")
    labels = prompts.point_labels
    counts = np.zeros(len(prompts), np.int64) if labels is None else (labels >= 0).sum(axis=1)
    kinds = np.stack([counts, prompts.has_boxes.astype(np.int64)], axis=1)
    for kind_row in np.unique(kinds, axis=0):
        members = np.flatnonzero((kinds == kind_row).all(axis=1))
        for start in range(0, len(members), most):
            yield _group(prompts, members[start : start + most], int(kind_row[0]), bool(kind_row[1]))


def _group(prompts: sp.Prompts, rows: NDArray[np.int64], count: int, has_box: bool) -> Group:
    points = point_labels = None
    if count:
        assert prompts.points is not None and prompts.point_labels is not None
        given = prompts.point_labels[rows]
        order = np.argsort(given < 0, axis=1, kind="stable")[:, :count]
        points = np.take_along_axis(prompts.points[rows], order[..., None], axis=1)
        point_labels = np.take_along_axis(given, order, axis=1).astype(np.int64)
    boxes = prompts.boxes[rows] if has_box and prompts.boxes is not None else None
    return Group(rows=rows, points=points, point_labels=point_labels, boxes=boxes)
