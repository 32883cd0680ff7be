"""What SAM says: n objects, c candidates each, small until somebody asks for pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from sampipe.errors import DataError
from sampipe.types import _resample
from sampipe.types import rle as _rle
from sampipe.types._arrays import BoolArray, FloatArray, IntArray, Value, read_only
from sampipe.types.frame import Frame
from sampipe.types.prompts import Prompts, row_index
from sampipe.types.rle import RLE

if TYPE_CHECKING:
    import supervision as sv
    import torch

    from sampipe.types.explanation import Explanation
    from sampipe.types.polygons import Polygon

History = tuple[tuple[str, ...], ...]
_FILLED: Any = None  # a default that depends on the other fields; see __post_init__


@dataclass(frozen=True, eq=False, repr=False)
class Masks(Value):
    """Masks of n objects with c candidates each, either low-resolution logits or run lengths.

    The accessors that give one mask per object (``rle``, ``binary``, ``boxes``, ``area``, ``polygons``) take
    each object's best candidate, the one of highest predicted IoU, while c is more than 1.

    Args:
        frame: how the image lies in the model's square input.
        prompts: what asked for each object (n); names, class ids and detector scores live there.
        iou_scores: float32 (n, c), the model's own guess of each IoU; NaN for masks that no model made.
        logits: float tensor (n, c, m, m) over the model's square input; not to be written to.
        rles: n x c masks in original-image pixels. Exactly one of ``logits`` and ``rles`` is given.
        stability: float32 (n, c) or None.
        candidates: int64 (n, c), which decoder output each is: 0 the single mask, 1 to 3 the ambiguous ones.
            Where left out: 0 for c = 1, else 1 to c.
        history: for each object the steps that it passed. Where left out: none.
        threshold: logits above it are inside.

    Raises:
        DataError: shapes or sizes that do not fit together.
    """

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

    def __repr__(self) -> str:
        kind = "rles" if self.logits is None else f"logits {self.logits.shape[2]}x{self.logits.shape[3]}"
        height, width = self.hw
        return f"Masks(n={len(self)}, candidates={self.num_candidates}, image={width}x{height}, {kind})"

    @property
    def num_candidates(self) -> int:
        """c: masks per object."""
        return int(self.iou_scores.shape[1])

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.frame.original_hw

    # -- which candidate, which object -------------------------------------------------

    @cached_property
    def _best(self) -> IntArray:
        scores = np.where(np.isnan(self.iou_scores), -np.inf, self.iou_scores)
        return np.asarray(scores.argmax(axis=1), dtype=np.int64)

    def best(self) -> Masks:
        """One candidate per object: the one of highest predicted IoU."""
        return self if self.num_candidates == 1 else self.choose(self._best)

    def candidate(self, k: int) -> Masks:
        """One candidate per object: column ``k`` (from 0) of each."""
        return self.choose(np.full(len(self), k, dtype=np.int64))

    def choose(self, columns: ArrayLike) -> Masks:
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

    def select(self, index: ArrayLike | slice, step: str | None = None) -> Masks:
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

    def replace(self, **fields: Any) -> Masks:
        """The same masks with some fields exchanged."""
        return dataclasses.replace(self, **fields)

    def add_step(self, step: str) -> Masks:
        """The same masks with ``step`` noted in every object's history."""
        return self.replace(history=tuple((*steps, step) for steps in self.history))

    def with_prompts(self, prompts: Prompts) -> Masks:
        """The same masks with other prompts, one per object."""
        return self.replace(prompts=prompts)

    def with_rles(self, rles: Sequence[RLE], step: str) -> Masks:
        """One changed mask per object in place of the best candidate, ``step`` noted for each."""
        if len(rles) != len(self):
            raise DataError(f"rles: got {len(rles)}, wanted {len(self)}, one per object")
        best = self.best()
        return best.replace(logits=None, rles=tuple((item,) for item in rles)).add_step(step)

    # -- pixels ------------------------------------------------------------------------

    def rle(self) -> tuple[RLE, ...]:
        """Each object's best mask as run lengths; straight from the logits, no full-size picture is built."""
        return self._rles

    @cached_property
    def _rles(self) -> tuple[RLE, ...]:
        if self.rles is not None:
            return tuple(row[k] for row, k in zip(self.rles, self._best, strict=True))
        return tuple(window.rle(self.hw) for window in self._windows())

    def iter_binary(self) -> Iterator[BoolArray]:
        """Each object's best mask in turn, bool (h, w); one picture in memory at a time."""
        for index in range(len(self)):
            yield self._pixels(index, np.zeros(self.hw, dtype=np.bool_))

    def binary(self) -> BoolArray:
        """Each object's best mask, bool (n, h, w)."""
        masks = np.zeros((len(self), *self.hw), dtype=np.bool_)
        for index, mask in enumerate(masks):
            self._pixels(index, mask)
        return masks

    def _pixels(self, index: int, mask: BoolArray) -> BoolArray:
        """One object's best mask, painted into a picture (h, w) of False."""
        if self.rles is not None or "_rles" in self.__dict__:
            mask[...] = self.rle()[index].decode()
        else:
            _resample.fill(self._low(index, int(self._best[index])), self.frame, self.threshold, mask)
        return mask

    def boxes(self) -> FloatArray:
        """The tight boxes of the best masks, float32 (n, 4) x0, y0, x1, y1, half-open; zeros where empty."""
        return _rle.boxes(self.rle())

    def area(self) -> IntArray:
        """Pixels in each best mask, int64 (n,)."""
        return _rle.areas(self.rle())

    def polygons(self, tolerance: float = 0.0) -> list[list[Polygon]]:
        """For each object the outlines of its best mask's parts, with their holes, along the pixels' edges.

        Args:
            tolerance: how far, in pixels, an outline may leave the pixels' edges to have fewer corners
                (Douglas and Peucker 1973); 0 keeps every corner.
        """
        from sampipe.types.polygons import rle_polygons

        return [rle_polygons(item, tolerance) for item in self.rle()]

    def _windows(self) -> Iterator[_resample.Window]:
        for row, k in enumerate(self._best):
            yield _resample.to_window(self._low(row, int(k)), self.frame, self.threshold)

    def _low(self, row: int, column: int) -> FloatArray:
        low: FloatArray = cast("torch.Tensor", self.logits)[row, column].float().cpu().numpy()
        return low

    def all_rles(self) -> tuple[tuple[RLE, ...], ...]:
        """Every candidate as run lengths, n x c."""
        if self.rles is not None:
            return self.rles
        return tuple(
            tuple(
                _resample.to_window(self._low(row, column), self.frame, self.threshold).rle(self.hw)
                for column in range(self.num_candidates)
            )
            for row in range(len(self))
        )

    def stability_scores(self, offset: float = 1.0, *, full_size: bool = False) -> FloatArray:
        """How little each mask changes with the threshold, float32 (n, c), 0 to 1.

        The IoU of the logits above ``threshold + offset`` with those above ``threshold - offset`` inside the
        image (Segment Anything, section 5 and appendix B); 0 for an empty mask. Masks that hold run lengths
        answer with the ``stability`` that they were made with.

        Args:
            offset: in logits.
            full_size: count the picture's pixels, as the reference's mask generator does, instead of the
                low-resolution cells.

        Raises:
            DataError: run lengths only, and no stability kept.
        """
        if self.logits is None:
            if self.stability is None:
                raise DataError("stability: these masks hold run lengths; compute it before logits are dropped")
            return self.stability
        if full_size:
            return self._full_size_stability(offset)
        height, width = self.frame.content_hw(int(self.logits.shape[-1]))
        scores = np.zeros(self.iou_scores.shape, dtype=np.float32)
        for row, low in zip(scores, self.logits, strict=True):  # one object's comparisons in memory at a time
            content = low[..., :height, :width]
            inner = (content > self.threshold + offset).sum(dim=(-1, -2))
            outer = (content > self.threshold - offset).sum(dim=(-1, -2))
            row[:] = (inner / outer.clamp(min=1)).float().cpu().numpy()
        return scores

    def _full_size_stability(self, offset: float) -> FloatArray:
        scores = np.zeros(self.iou_scores.shape, dtype=np.float32)
        levels = (self.threshold + offset, self.threshold - offset)
        for row, column in np.ndindex(scores.shape):
            inner, outer = _resample.counts_above(self._low(row, column), self.frame, levels)
            scores[row, column] = inner / max(outer, 1)
        return scores

    # -- to tell, to make, to exchange -------------------------------------------------

    def explain(self, i: int) -> Explanation:
        """Where object ``i`` comes from: its prompt, its scores, and every step that it passed."""
        from sampipe.types.explanation import explain

        return explain(self, i)

    @classmethod
    def empty(cls, hw: tuple[int, int], frame: Frame | None = None) -> Masks:
        """No object, on an image of ``hw`` = (height, width)."""
        return cls(
            frame=frame or Frame.identity(hw),
            prompts=Prompts.empty(),
            iou_scores=np.zeros((0, 1), dtype=np.float32),
            rles=(),
        )

    @classmethod
    def from_rle(cls, rles: Sequence[RLE], hw: tuple[int, int], prompts: Prompts | None = None) -> Masks:
        """From one mask per object on an image of ``hw``; the masks' boxes stand in for absent prompts."""
        boxes = _rle.boxes(rles)
        return cls(
            frame=Frame.identity(hw),
            prompts=Prompts.from_boxes(boxes) if prompts is None else prompts,
            iou_scores=np.full((len(rles), 1), np.nan, dtype=np.float32),
            rles=tuple((item,) for item in rles),
        )

    @classmethod
    def from_binary(cls, masks: ArrayLike, prompts: Prompts | None = None) -> Masks:
        """From bool (n, h, w): one mask per object."""
        pixels = np.asarray(masks)
        if pixels.ndim != 3 or 0 in pixels.shape[1:]:
            raise DataError(f"masks: got shape {pixels.shape}, wanted (n, height, width)")
        height, width = pixels.shape[1:]
        return cls.from_rle([RLE.from_mask(mask) for mask in pixels], (height, width), prompts)

    @staticmethod
    def concat(parts: Sequence[Masks]) -> Masks:
        """All objects of ``parts``, which lie on one image and have the same number of candidates.

        Logits stay logits where all parts share frame and threshold; otherwise all become run lengths.

        Raises:
            DataError: no part, images of different sizes, or other numbers of candidates.
        """
        from sampipe.types._mask_rows import concat

        return concat(parts)

    def to_supervision(self, *, compact: bool = False) -> sv.Detections:
        """The best masks as ``supervision.Detections``, all fields filled.

        ``confidence`` is the detector's, else the predicted IoU, else 1; the two numbers apart are in
        ``data["score"]`` and ``data["iou"]`` (NaN where unknown). ``compact`` keeps the masks as runs.
        """
        from sampipe.types.interop import masks_to_supervision

        return masks_to_supervision(self, compact=compact)

    @classmethod
    def from_supervision(cls, detections: sv.Detections, hw: tuple[int, int]) -> Masks:
        """From ``supervision.Detections`` with masks, on an image of ``hw``."""
        from sampipe.types.interop import masks_from_supervision

        return masks_from_supervision(detections, hw)
