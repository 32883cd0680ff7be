"""Masks as rows: n objects, c candidates each, and how some of them are chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from typing_extensions import Self

from sampipe.errors import DataError
from sampipe.types._arrays import FloatArray, IntArray, Value, read_only
from sampipe.types.frame import Frame
from sampipe.types.prompts import Prompts, row_index
from sampipe.types.rle import RLE

if TYPE_CHECKING:
    import torch

History = tuple[tuple[str, ...], ...]
_FILLED: Any = None  # a default that depends on the other fields; see __post_init__


@dataclass(frozen=True, eq=False, repr=False)
class MaskRows(Value):
    """The fields of :class:`sampipe.Masks`, which documents them, and the choice among objects and candidates."""

    frame: Frame
    prompts: Prompts
    iou_scores: FloatArray
    logits: torch.Tensor | None = None
    rles: tuple[tuple[RLE, ...], ...] | None = None
    stability: FloatArray | None = None
    candidates: IntArray = _FILLED
    history: History = _FILLED
    threshold: float = 0.0

    def __post_init__(self) -> None:
        scores = read_only(self.iou_scores, np.float32, "iou_scores")
        if scores.ndim != 2 or scores.shape[1] < 1:
            raise DataError(f"iou_scores: got {scores.shape}, wanted (n, c): n objects, c candidates each")
        count, width = scores.shape
        candidates = self.candidates
        if candidates is None:
            candidates = np.broadcast_to(np.arange(1, width + 1) if width > 1 else np.zeros(1), scores.shape)
        history = ((),) * count if self.history is None else tuple(tuple(steps) for steps in self.history)
        fields: dict[str, Any] = {
            "iou_scores": scores,
            "candidates": read_only(candidates, np.int64, "candidates"),
            "history": history,
        }
        if self.stability is not None:
            fields["stability"] = read_only(self.stability, np.float32, "stability")
        if self.logits is not None:
            if isinstance(self.logits, np.ndarray):
                raise DataError("logits: got a numpy array, wanted a torch tensor; torch.from_numpy makes it one")
            fields["logits"] = self.logits.detach()
        if self.rles is not None:
            fields["rles"] = tuple(tuple(row) for row in self.rles)
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self._check(count, width)

    def _check(self, count: int, width: int) -> None:
        for name in ("stability", "candidates"):
            value = getattr(self, name)
            if value is not None and value.shape != (count, width):
                raise DataError(f"{name}: got {value.shape}, wanted {(count, width)} like iou_scores")
        for name in ("prompts", "history"):
            if len(getattr(self, name)) != count:
                raise DataError(f"{name}: got {len(getattr(self, name))} for {count} objects, wanted one each")
        if (self.logits is None) == (self.rles is None):
            raise DataError("masks: wanted either logits or rles, got both or neither")
        if self.logits is not None:
            shape = tuple(self.logits.shape)
            if len(shape) != 4 or shape[:2] != (count, width) or shape[2] != shape[3]:
                raise DataError(f"logits: got {shape}, wanted ({count}, {width}, m, m) like iou_scores")
            if not self.logits.is_floating_point():
                raise DataError(f"logits: got {self.logits.dtype}, wanted floats")
            return
        rows = self.rles or ()
        if len(rows) != count or any(len(row) != width for row in rows):
            raise DataError(f"rles: wanted {count} rows of {width} masks like iou_scores")
        for row in rows:
            for item in row:
                if item.hw != self.hw:
                    raise DataError(f"rles: got a mask of {item.hw} for an image of {self.hw} (height, width)")

    def __len__(self) -> int:
        return len(self.iou_scores)

    def __iter__(self) -> Iterator[Self]:
        return (self.select([i]) for i in range(len(self)))

    def __getitem__(self, index: int | slice | str | ArrayLike) -> Self:
        """``masks[0]``, ``masks[-3:]``, ``masks[masks.area() > 500]``, ``masks["person"]``.

        Always masks again: of one object for a number, of none for a label that no object has.

        Raises:
            DataError: a number that is not there, or an array that fits no rows.
        """
        if isinstance(index, str):
            return self.select([label == index for label in self.labels] if len(self) else [])
        return self.select(index)

    def __repr__(self) -> str:
        kind = "rles" if self.logits is None else f"logits {self.logits.shape[2]}x{self.logits.shape[3]}"
        height, width = self.hw
        return f"{type(self).__name__}(n={len(self)}, candidates={self.num_candidates}, image={width}x{height}, {kind})"

    @property
    def num_candidates(self) -> int:
        """c: masks per object."""
        return int(self.iou_scores.shape[1])

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.frame.original_hw

    @property
    def labels(self) -> tuple[str, ...]:
        """Each object's name, n of them; "" where it has none."""
        return self.prompts.labels if self.prompts.labels is not None else ("",) * len(self)

    @property
    def scores(self) -> FloatArray:
        """Each object's score from the detector, float32 (n,); NaN where there is none. SAM's own is ``iou_scores``."""
        known = self.prompts.scores
        return known if known is not None else np.full(len(self), np.nan, dtype=np.float32)

    @property
    def class_ids(self) -> IntArray:
        """Each object's class id, int64 (n,); -1 where it has none."""
        known = self.prompts.class_ids
        return known if known is not None else np.full(len(self), -1, dtype=np.int64)

    @cached_property
    def _best(self) -> IntArray:
        scores = np.where(np.isnan(self.iou_scores), -np.inf, self.iou_scores)
        return np.asarray(scores.argmax(axis=1), dtype=np.int64)

    def best(self) -> Self:
        """One candidate per object: the one of highest predicted IoU."""
        return self if self.num_candidates == 1 else self.choose(self._best)

    def candidate(self, k: int) -> Self:
        """One candidate per object: column ``k`` (from 0) of each."""
        return self.choose(np.full(len(self), k, dtype=np.int64))

    def choose(self, columns: ArrayLike) -> Self:
        """One candidate per object: column ``columns[i]`` of object i; (n,) whole numbers.

        Raises:
            DataError: another number of columns, or one that is not there.
        """
        chosen = np.asarray(columns, dtype=np.int64)
        if chosen.shape != (len(self),):
            raise DataError(f"columns: got shape {chosen.shape}, wanted ({len(self)},), one per object")
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < self.num_candidates):
            raise DataError(f"columns: got {int(chosen.min())} to {int(chosen.max())}, there are {self.num_candidates}")
        rows = np.arange(len(self))
        return self.replace(
            iou_scores=self.iou_scores[rows, chosen][:, None],
            stability=None if self.stability is None else self.stability[rows, chosen][:, None],
            candidates=self.candidates[rows, chosen][:, None],
            logits=None if self.logits is None else self.logits[rows, chosen][:, None],
            rles=None if self.rles is None else tuple((row[k],) for row, k in zip(self.rles, chosen, strict=True)),
        )

    def select(self, index: ArrayLike | slice, step: str | None = None) -> Self:
        """The objects that ``index`` names (integers, a bool mask (n,), a slice), ``step`` noted for each."""
        rows = row_index(index, len(self))
        steps = () if step is None else (step,)
        return self.replace(
            prompts=self.prompts.select(rows),
            iou_scores=self.iou_scores[rows],
            stability=None if self.stability is None else self.stability[rows],
            candidates=self.candidates[rows],
            history=tuple(self.history[i] + steps for i in rows),
            logits=None if self.logits is None else self.logits[rows],
            rles=None if self.rles is None else tuple(self.rles[i] for i in rows),
        )

    def replace(self, **fields: Any) -> Self:
        """The same masks with some fields exchanged."""
        return dataclasses.replace(self, **fields)

    def add_step(self, step: str) -> Self:
        """The same masks with ``step`` noted in every object's history."""
        return self.replace(history=tuple((*steps, step) for steps in self.history))

    def with_prompts(self, prompts: Prompts) -> Self:
        """The same masks with other prompts, one per object."""
        return self.replace(prompts=prompts)

    def with_rles(self, rles: Sequence[RLE], step: str) -> Self:
        """One changed mask per object in place of the best candidate, ``step`` noted for each."""
        if len(rles) != len(self):
            raise DataError(f"rles: got {len(rles)}, wanted {len(self)}, one per object")
        best = self.best()
        return best.replace(logits=None, rles=tuple((item,) for item in rles)).add_step(step)
