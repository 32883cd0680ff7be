"""Who answers prompts with masks, behind one interface: a model, a classical method, a shape, another network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sampipe.types import RLE, Image, Prompts
from sampipe.types._arrays import FloatArray


@dataclass(frozen=True)
class Answers:
    """Masks of n objects, c candidates each.

    Args:
        candidates: n rows of c masks in pixels of the original image.
        predicted: (n, c), the IoU that each mask is expected to have; NaN where the method predicts none.
        state: (n, ...), whatever the method wants back with the next click, an object a row.
    """

    candidates: tuple[tuple[RLE, ...], ...]
    predicted: FloatArray
    state: np.ndarray | None = None

    @classmethod
    def single(cls, masks: Sequence[RLE], state: np.ndarray | None = None) -> Answers:
        """One mask an object, no predicted IoU."""
        unknown = np.full((len(masks), 1), np.nan, np.float32)
        return cls(tuple((mask,) for mask in masks), unknown, state)

    def __len__(self) -> int:
        return len(self.candidates)

    def chosen(self) -> tuple[RLE, ...]:
        """Each object's mask of highest predicted IoU; the first where nothing is predicted."""
        return tuple(row[k] for row, k in zip(self.candidates, self._best(), strict=True))

    def chosen_predicted(self) -> FloatArray:
        """(n,) the predicted IoU of the chosen masks."""
        return self.predicted[np.arange(len(self)), self._best()]

    def select(self, rows: np.ndarray) -> Answers:
        """The answers about some objects."""
        state = None if self.state is None else self.state[rows]
        return Answers(tuple(self.candidates[row] for row in rows), self.predicted[rows], state)

    def _best(self) -> np.ndarray:
        return np.where(np.isnan(self.predicted), -np.inf, self.predicted).argmax(axis=1)


class Session(Protocol):
    """One image, ready for prompts."""

    def answer(self, prompts: Prompts, before: Answers | None = None) -> Answers:
        """Masks for n prompts: all boxes, or all the same number of clicks, of which the last one is new.

        Args:
            before: this session's answers to the clicks but the last.
        """


class Baseline(Protocol):
    """A method that a model is compared with (a competitor), or the model itself.

    Attributes:
        takes: ``"boxes"``, ``"points"`` or both.
        digest: names the weights or the package that the answers depend on; "" for none.
    """

    takes: frozenset[str]
    digest: str

    def start(self, image: Image) -> Session:
        """Prepare an image; what this costs (an encoder) counts as time of the image."""


Competitors = Sequence[str] | Mapping[str, Baseline]
"""Names of competitors, or baselines by names of one's own."""
