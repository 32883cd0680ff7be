"""What SAM says: n objects, c candidates each, small until somebody asks for pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike

from sampipe.errors import DataError
from sampipe.types import _resample
from sampipe.types import rle as _rle
from sampipe.types._arrays import BoolArray, FloatArray, IntArray, binary
from sampipe.types._mask_fields import MaskRows
from sampipe.types.frame import Frame
from sampipe.types.prompts import Prompts
from sampipe.types.rle import RLE

if TYPE_CHECKING:
    import pandas
    import PIL.Image
    import supervision as sv
    import torch

    from sampipe.types.explanation import Explanation
    from sampipe.types.image import Image
    from sampipe.types.polygons import Polygon


@dataclass(frozen=True, eq=False, repr=False)
class Masks(MaskRows):
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

    ``len(masks)`` objects; ``for one in masks`` gives each as masks of one object; ``masks[...]`` chooses by number,
    slice, bool array or label.
    """

    # -- pixels ------------------------------------------------------------------------

    def rle(self) -> tuple[RLE, ...]:
        """Each object's best mask as run lengths; straight from the logits, no full-size image is built."""
        return self._rles

    @cached_property
    def _rles(self) -> tuple[RLE, ...]:
        if self.rles is not None:
            return tuple(row[k] for row, k in zip(self.rles, self._best, strict=True))
        return tuple(window.rle(self.hw) for window in self._windows())

    def iter_binary(self) -> Iterator[BoolArray]:
        """Each object's best mask in turn, bool (h, w); one image in memory at a time."""
        for index in range(len(self)):
            yield self._pixels(index, np.zeros(self.hw, dtype=np.bool_))

    def binary(self) -> BoolArray:
        """Each object's best mask, bool (n, h, w)."""
        masks = np.zeros((len(self), *self.hw), dtype=np.bool_)
        for index, mask in enumerate(masks):
            self._pixels(index, mask)
        return masks

    def _pixels(self, index: int, mask: BoolArray) -> BoolArray:
        """One object's best mask, painted into an image (h, w) of False."""
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
            full_size: count the image's pixels, as the reference's mask generator does, instead of the
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

    # -- tables and drawings -----------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """How many objects each label has, in the order in which the labels first come."""
        return {label: self.labels.count(label) for label in dict.fromkeys(self.labels)}

    def to_dataframe(self) -> pandas.DataFrame:
        """A pandas table with a row for each object; the columns are those of :meth:`to_csv`.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        from sampipe.types.table import dataframe

        return dataframe(self)

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """The table as CSV text, written to ``path`` too if one is given.

        Columns: label, class_id, track_id, score (the detector's), iou (predicted by SAM), area (pixels),
        x0, y0, x1, y1 (tight half-open box), center_x, center_y (centroid of the mask, pixel edges), parts, holes.
        What is not known is an empty cell.
        """
        from sampipe.types.table import csv_text

        return csv_text(self, path)

    def to_numpy(self) -> BoolArray:
        """Each object's best mask as pixels, bool (n, h, w): :meth:`binary` under the name that tables use."""
        return self.binary()

    def crop(self, i: int, image: Image, *, margin: int = 0) -> PIL.Image.Image:
        """Object ``i`` cut out of ``image``: a Pillow image, RGBA, transparent outside the mask.

        Args:
            i: which object.
            image: the image that the masks are of; masks hold no pixels.
            margin: pixels around the mask's box, as far as the image goes.

        Raises:
            DataError: no such object, an empty mask, or an image of another size.
        """
        from sampipe.types.display import cut_out

        return cut_out(self, i, image, margin)

    def plot(self, image: Image | None = None) -> Image:
        """The masks drawn on ``image``, or on grey where none is given; notebooks show what it returns.

        Raises:
            DataError: an image of another size.
        """
        from sampipe.types.display import plot

        return plot(self, image)

    def _repr_html_(self) -> str:
        from sampipe.types.display import masks_html

        return masks_html(self)

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
        """From bool (n, h, w): one mask per object (numbers count as true when they are not zero).

        Raises:
            DataError: no stack of masks, or fractions, which need a threshold first.
        """
        pixels = binary(masks, 3, "masks")
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
