"""Objects on their way through a video: where each was, and the prompts that look for it in the next frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sampipe.types import Frame, Prompts

_POINTS = 3
_MOST_LOGIT = 4.0  # surer masks than that leave the model no room to follow a change
_OUTSIDE = -10.0
_REMEMBERED = 9  # motions, of which the median counts: an object passes by in fewer frames than half of that
_SWERVE = 0.05  # of its shorter side: a motion so far from the usual one is a surprise
_LATELY = 0.1  # weight of one frame in what is usual
_WHOLE = 0.7  # share of an object's usual cells below which something hides it
_LEAST_INSIDE = 0.1  # share of a box that must be in the image


@dataclass
class Followed:
    """One object.

    Args:
        number: its track id.
        logits: float32 (m, m), its last mask in the model's square input.
        box: float32 (4,), that mask's box, xyxy in pixels of the frame; may reach beyond it.
        motion: pixels a frame, x and y, as usual of late.
        motions: the latest, frame by frame.
        unconfirmed: detections in a row that had nothing for it.
        unseen: frames in a row in which its own mask was lost.
        cells: of its mask when a detection last confirmed it.
        usual: cells of its masks of late.
        label, class_id, score, source: what the last detection said of it.
        track: what a model with a memory knows of it.
        pointed_at: somebody began it under an id; detections that miss it do not end it.
    """

    number: int
    logits: np.ndarray
    box: np.ndarray
    motion: np.ndarray = field(default_factory=lambda: np.zeros(2))
    motions: list[np.ndarray] = field(default_factory=list)
    unconfirmed: int = 0
    unseen: int = 0
    cells: int = 0
    usual: float = 0.0
    label: str = ""
    class_id: int = -1
    score: float = np.nan
    source: str = ""
    track: Any = None
    pointed_at: bool = False

    def confirm(self) -> None:
        """It is there, as its mask shows it."""
        self.unconfirmed, self.cells = 0, int((self.logits > 0).sum())

    def measured(self, motion: np.ndarray, *, crowded: bool) -> np.ndarray:
        """What its pixels did, or what it usually does where that is far off and they may be another's.

        A frame or two does not change what it usually does: the median of the latest motions.
        """
        usual = self.motion
        self.motions = [*self.motions[1 - _REMEMBERED :], motion]
        self.motion = np.median(self.motions, axis=0)
        swerves = float(np.abs(motion - usual).max()) > _SWERVE * float((self.box[2:] - self.box[:2]).min())
        return usual if crowded and swerves and len(self.motions) > 1 else motion

    def move(self, motion: np.ndarray, frame: Frame) -> None:
        """Go where it should be now: mask, box and all."""
        self.box = self.box + np.tile(motion, 2).astype(np.float32)
        original = np.array(frame.original_hw[::-1], np.float64)
        cells = motion * np.array(frame.resized_hw[::-1]) / original * len(self.logits) / frame.input_size
        self.logits = _shifted(self.logits, cells)

    def seen_at(self, logits: np.ndarray, box: np.ndarray, hw: tuple[int, int], *, crowded: bool = False) -> None:
        """Its mask in this frame; where the image cuts the object off, its box keeps what lay beyond.

        Behind another object (``crowded``) it keeps the shape that it had; a model with a memory knows better.
        """
        self.unseen, now = 0, float((logits > 0).sum())
        if crowded and self.track is None and now < _WHOLE * self.usual:
            return
        self.usual += (now - self.usual) * (_LATELY if self.usual else 1)
        limits = np.array([0, 0, hw[1], hw[0]])
        cut = np.abs(box - limits) <= 1
        beyond = (self.box - limits) * (-1, -1, 1, 1) > 0
        self.logits, self.box = logits, np.where(cut & beyond, self.box, box).astype(np.float32)

    def is_inside(self, hw: tuple[int, int]) -> bool:
        """Whether enough of it lies in the image to be looked for."""
        x0, y0 = np.maximum(self.box[:2], 0)
        x1, y1 = np.minimum(self.box[2:], hw[::-1])
        width, height = self.box[2:] - self.box[:2]
        return bool(min(x1 - x0, y1 - y0) >= 1 and (x1 - x0) * (y1 - y0) >= _LEAST_INSIDE * width * height)


def prompts_for(objects: Sequence[Followed], frame: Frame) -> Prompts:
    """Each object's box, inner points and mask, together."""
    places = np.stack([_inner_points(one.logits > 0) for one in objects])
    cells = (places + 0.5) * frame.input_size / len(objects[0].logits)
    return Prompts(
        points=frame.points_to_original(cells),
        point_labels=np.ones(places.shape[:2], np.int8),
        boxes=np.stack([one.box for one in objects]),
        mask_logits=np.stack([mask_prompt(one) for one in objects]),
    )


def mask_prompt(one: Followed) -> np.ndarray:
    """Its mask as a prompt, float32 (m, m)."""
    return np.clip(one.logits, -_MOST_LOGIT, _MOST_LOGIT)


def overlaps(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """IoU of masks (n, m, m) with masks (k, m, m), both bool: (n, k)."""
    a, b = (masks.reshape(len(masks), masks.shape[-1] ** 2).astype(np.float32) for masks in (ours, theirs))
    both = a @ b.T
    either = a.sum(axis=1)[:, None] + b.sum(axis=1)[None] - both
    return both / np.maximum(either, 1)


def box_overlaps(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """IoU of boxes (n, 4) with boxes (k, 4), xyxy: (n, k)."""
    a, b = ours.reshape(-1, 1, 4), theirs.reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    both = np.maximum(sides, 0).prod(axis=-1)
    either = (a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1) - both
    return np.asarray(both / np.maximum(either, 1e-6))


def beside_others(objects: Sequence[Followed]) -> np.ndarray:
    """Which objects' boxes overlap that of another, bool (n,)."""
    boxes = np.stack([one.box for one in objects])
    return np.asarray((box_overlaps(boxes, boxes) > 0).sum(axis=1) > 1)


def pairs(likeness: np.ndarray, least: float) -> list[tuple[int, int]]:
    """Rows and columns that belong together: the assignment of the largest sum, without pairs below ``least``."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(likeness, maximize=True)
    found = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in found if likeness[row, column] >= least]


def _inner_points(mask: np.ndarray) -> np.ndarray:
    """Cells (3, 2), x and y: the innermost one, and others far from it that are well inside, too."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    inside = np.argwhere(depth >= max(depth.max() / 2, 0.5))
    if not len(inside):
        inside = np.argwhere(np.ones_like(mask))
    chosen = [int(depth[tuple(inside.T)].argmax())]
    for _ in range(_POINTS - 1):
        distance = ((inside[:, None] - inside[chosen][None]) ** 2).sum(axis=2).min(axis=1)
        chosen.append(int(distance.argmax()))
    return inside[chosen][:, ::-1].astype(np.float64)


def _shifted(logits: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Logits moved by whole cells; what comes in from outside is background."""
    side = len(logits)
    x, y = np.clip(cells.round().astype(int), -side, side)
    moved = np.full_like(logits, _OUTSIDE)
    moved[max(y, 0) : side + min(y, 0), max(x, 0) : side + min(x, 0)] = logits[
        max(-y, 0) : side - max(y, 0), max(-x, 0) : side - max(x, 0)
    ]
    return moved
