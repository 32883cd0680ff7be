"""Which frames of a track are worth remembering: those in which a motion model finds the object where it should be.

The idea is SAMURAI's (Yang et al. 2024, "SAMURAI: Adapting Segment Anything Model for Zero-Shot Visual Tracking with
Motion-Aware Memory", section 4.2): beside the frame before, a model should remember those frames whose mask it trusts,
whose object it sees, and whose box moves as the object does, rather than the latest ones. Its motion model is a Kalman
filter; this one goes by medians, as ``Follow`` does without a memory: they do not follow a box that something narrows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_IOU = 0.5  # predicted IoU of a mask that is remembered; SAMURAI's
LEAST_OVERLAP = 0.7  # IoU of its box with the expected one; SAMURAI, which also chooses masks by it, asks for any
_LATEST = 9  # frames of which the median counts: what passes in front narrows a box in fewer than half of them
_LOST = 15  # frames in a row that are not as expected, after which it is expected where its mask is

Floats = NDArray[np.float64]


class BoxMotion:
    """Where a box should be in the next frame: it moves, and is as large, as the median of the frames that counted."""

    def __init__(self, box: Floats) -> None:
        self._centre, self._since = (box[:2] + box[2:]) / 2, 0
        self._moves: list[Floats] = []
        self._sizes = [box[2:] - box[:2]]

    @property
    def least_overlap(self) -> float:
        """With the expected box; of the second frame any, for how it moves is not known yet."""
        return LEAST_OVERLAP if self._moves else 0.0

    def expected(self) -> Floats:
        """One frame on; the box, xyxy."""
        self._since += 1
        centre = self._centre + (self._since * np.median(self._moves, axis=0) if self._moves else 0)
        half = np.median(self._sizes, axis=0) / 2
        return np.concatenate([centre - half, centre + half])

    def seen_at(self, box: Floats) -> None:
        """It was there in this frame."""
        centre = (box[:2] + box[2:]) / 2
        self._moves = [*self._moves[1 - _LATEST :], (centre - self._centre) / max(self._since, 1)]
        self._sizes = [*self._sizes[1 - _LATEST :], box[2:] - box[:2]]
        self._centre, self._since = centre, 0


@dataclass
class Choice:
    """The frames of one track that count, and the motion that chose them.

    Args:
        kept: frame numbers and what the session made of them, oldest first; the last one is the frame before, whether
            it counts or not.
        counts: for each of them, whether it does.
    """

    kept: list[tuple[int, Any]] = field(default_factory=list)
    counts: list[bool] = field(default_factory=list)
    motion: BoxMotion | None = None
    astray: int = 0

    def begin(self, box: Floats | None) -> None:
        """Somebody said where it is."""
        self.motion, self.astray = None if box is None else BoxMotion(box), 0

    def place(self, memories: dict[int, Any], number: int) -> None:
        """The session's memories before frame ``number``: it takes those of the numbers just before."""
        while self.kept and self.kept[-1][0] >= number:  # the frame is asked for again
            self.kept.pop()
            self.counts.pop()
        last = len(self.kept) - 1
        chosen = [i for i in range(len(self.kept)) if self.counts[i] or i == last]
        self.kept, self.counts = [self.kept[i] for i in chosen], [self.counts[i] for i in chosen]
        memories.clear()
        memories.update({number - 1 - k: made for k, (_, made) in enumerate(reversed(self.kept))})

    def judge(self, number: int, made: Any, box: Floats | None, *, iou: float, is_there: bool, most: int) -> None:
        """Whether this frame counts, of ``most`` that are kept; ``box`` is its mask's, None of an empty one."""
        self.kept.append((number, made))
        self.counts.append(self._is_as_expected(box) and iou > LEAST_IOU and is_there)
        del self.kept[:-most], self.counts[:-most]

    def _is_as_expected(self, box: Floats | None) -> bool:
        if self.motion is None:
            self.begin(box)
            return box is not None
        expected = self.motion.expected()
        if box is not None and _overlap(expected, box) > self.motion.least_overlap:
            self.motion.seen_at(box)
            self.astray = 0
            return True
        self.astray += 1
        if self.astray >= _LOST:
            self.begin(box)
        return False


def box_of(mask: NDArray[np.bool_]) -> Floats | None:
    """The box of a mask (h, w), xyxy; None of an empty one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)


def _overlap(a: Floats, b: Floats) -> float:
    both = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0).prod()
    return float(both / max((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both, 1e-9))
