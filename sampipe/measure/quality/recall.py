"""Average recall of proposals, as COCO defines it (class-agnostic, ``useCats=0``), from the ranks at which objects are
found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sampipe.data.annotations import FREQUENCIES
from sampipe.types import RLE
from sampipe.types.rle import iou_matrix

THRESHOLDS = np.linspace(0.5, 0.95, 10)
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""Areas in px², both ends included, as in COCO's evaluator."""


def groups_of(area: float, category: Mapping[str, Any]) -> list[str]:
    """``all``, the size and, in LVIS, the frequency of the category: the groups that an object counts in."""
    sizes = [name for name, (least, most) in SIZES.items() if least <= area <= most]
    frequency = FREQUENCIES.get(category.get("frequency", ""))
    return ["all", *sizes, *([frequency] if frequency else [])]


def ranks_by_group(
    proposals: Sequence[RLE], truths: Sequence[RLE], groups: Sequence[Sequence[str]]
) -> list[dict[str, list[int | None]]]:
    """For each object and each of its groups, the rank (from 0) of the proposal that finds it, by threshold.

    A proposal finds one object: of those of the group that no better proposal found, the one it overlaps most.
    A group is matched as if its objects were alone, as COCO's evaluator does when it ignores the others.

    Args:
        proposals: of one image, best first.
        truths: its objects.
        groups: of each object.
    """
    overlaps = iou_matrix(proposals, truths)
    found: list[dict[str, list[int | None]]] = [{} for _ in truths]
    for group in dict.fromkeys(name for names in groups for name in names):
        members = [index for index, names in enumerate(groups) if group in names]
        for index, ranks in zip(members, _ranks(overlaps[:, members]), strict=True):
            found[index][group] = [None if rank < 0 else int(rank) for rank in ranks]
    return found


def _ranks(overlaps: np.ndarray) -> np.ndarray:
    """(objects, thresholds) rank of the proposal that is matched with each object, -1 for none."""
    ranks = np.full((overlaps.shape[1], len(THRESHOLDS)), -1)
    close = np.flatnonzero((overlaps >= THRESHOLDS[0]).any(axis=1))
    for column, threshold in enumerate(THRESHOLDS):
        for proposal in close:
            free = np.where(ranks[:, column] < 0, overlaps[proposal], -1)
            best = len(free) - 1 - int(free[::-1].argmax())  # of equal ones the last, as in COCO's evaluator
            if free[best] >= threshold:
                ranks[best, column] = proposal
    return ranks


def recall_at(ranks: Sequence[int | None], most: int) -> float:
    """The share of thresholds at which an object is found among the first ``most`` proposals."""
    return sum(rank is not None and rank < most for rank in ranks) / len(ranks)
