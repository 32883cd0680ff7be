"""Run-length masks in COCO's compressed format: column-major runs, kept as bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sampipe.errors import DataError
from sampipe.types import _runs
from sampipe.types._arrays import BoolArray, FloatArray, IntArray, UInt8Array, Value, binary


@dataclass(frozen=True)
class RLE(Value):
    """One mask, run-length encoded. Equal masks are equal values.

    Args:
        hw: height and width of the mask.
        counts: COCO's compressed runs, column by column, background first.

    Raises:
        DataError: the runs are not well formed or do not fill ``hw``.
    """

    hw: tuple[int, int]
    counts: bytes
    area: int = field(init=False, repr=False, compare=False)  #: number of pixels in the mask

    def __post_init__(self) -> None:
        object.__setattr__(self, "hw", _checked_hw(self.hw))
        runs = _runs.parse(self.counts)
        if int(runs.sum()) != self.hw[0] * self.hw[1]:
            raise DataError(
                f"RLE: the runs cover {int(runs.sum())} pixels, a mask of {self.hw[0]} x {self.hw[1]}"
                f" has {self.hw[0] * self.hw[1]}; check height and width"
            )
        object.__setattr__(self, "area", int(runs[1::2].sum()))

    @cached_property
    def box(self) -> FloatArray:
        """The tight box (4,) x, y, x, y, half-open; zeros for an empty mask."""
        return _runs.box(_runs.parse(self.counts), self.hw)

    def decode(self) -> BoolArray:
        """The mask as bool (h, w); its memory is column-major."""
        height, width = self.hw
        columns = _runs.to_pixels(_runs.parse(self.counts))
        mask: BoolArray = columns.reshape(width, height).T
        return mask

    def window(self) -> BoolArray:
        """The mask inside its :attr:`box`, bool; no pixel beyond it is built."""
        x0, y0, x1, y1 = (int(side) for side in self.box)
        columns: BoolArray = _runs.columns(_runs.parse(self.counts), self.hw, x0, x1)
        mask: BoolArray = columns[:, y0:y1].T
        return mask

    def to_coco(self) -> dict[str, Any]:
        """``{"size": [h, w], "counts": str}``, ready for JSON."""
        return {"size": list(self.hw), "counts": self.counts.decode("ascii")}

    @classmethod
    def from_coco(cls, segmentation: Mapping[str, Any]) -> RLE:
        """From COCO's dict: ``counts`` compressed (str or bytes) or a list of runs.

        Raises:
            DataError: ``size`` or ``counts`` is missing or malformed.
        """
        if not {"size", "counts"} <= set(segmentation):
            raise DataError(f"RLE: wanted the keys 'size' and 'counts', got {sorted(segmentation)}")
        hw, counts = _checked_hw(segmentation["size"]), segmentation["counts"]
        if isinstance(counts, str):
            counts = counts.encode("ascii", errors="replace")
        runs = _runs.parse(counts) if isinstance(counts, bytes) else _runs.checked(counts)
        return cls(hw, _runs.compress(_runs.canonical(runs)))

    @classmethod
    def from_mask(cls, mask: ArrayLike) -> RLE:
        """From a bool (h, w) mask (numbers count as true when they are not zero).

        Raises:
            DataError: no mask, or fractions, which need a threshold first.
        """
        return encode_many(binary(mask, 2, "mask").T[None])[0]

    @classmethod
    def empty(cls, hw: tuple[int, int]) -> RLE:
        """A mask without pixels."""
        height, width = _checked_hw(hw)
        return cls((height, width), _runs.compress(np.array([height * width], dtype=np.int64)))

    def place(self, offset_xy: tuple[int, int], hw: tuple[int, int]) -> RLE:
        """This mask as a part of an image of ``hw``, its top left pixel at ``offset_xy``.

        Works on the runs; no pixels are built.

        Raises:
            DataError: the mask would reach beyond the image.
        """
        x, y = (int(offset) for offset in offset_xy)
        height, width = _checked_hw(hw)
        if min(x, y) < 0 or y + self.hw[0] > height or x + self.hw[1] > width:
            raise DataError(
                f"a mask of {self.hw[0]} x {self.hw[1]} at x={x}, y={y} reaches beyond an image of {height} x {width}"
            )
        runs = _runs.place(_runs.parse(self.counts), self.hw, (x, y), (height, width))
        return RLE((height, width), _runs.compress(runs))

    def place_cut(self, offset_xy: tuple[int, int], hw: tuple[int, int]) -> RLE:
        """As :meth:`place`, but what reaches beyond the image is cut off; wholly outside nothing is left."""
        x, y = (int(offset) for offset in offset_xy)
        height, width = hw
        if min(x, y) >= 0 and y + self.hw[0] <= height and x + self.hw[1] <= width:
            return self.place((x, y), hw)
        inside = self.decode()[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)]
        return RLE.from_mask(inside).place((max(0, x), max(0, y)), hw) if inside.size else RLE.empty(hw)

    def _raw(self) -> dict[str, Any]:
        return {"size": list(self.hw), "counts": self.counts}


def encode_many(masks: UInt8Array | BoolArray) -> list[RLE]:
    """Encode masks stored transposed, uint8 (n, w, h) of zeros and ones, or bool.

    Runs go column by column, so memory that is contiguous in this order is read without a copy.

    Raises:
        DataError: another dtype or number of dimensions.
    """
    if masks.dtype not in (np.uint8, np.bool_) or masks.ndim != 3 or 0 in masks.shape[1:]:
        raise DataError(f"masks: got {masks.dtype} of shape {masks.shape}, wanted uint8 or bool (n, width, height)")
    _, width, height = masks.shape
    return [RLE((height, width), _runs.compress(_runs.of_pixels(mask.reshape(-1)))) for mask in masks]


def iou_matrix(a: Sequence[RLE], b: Sequence[RLE]) -> NDArray[np.float64]:
    """Intersection over union of every mask of ``a`` with every mask of ``b``, (len(a), len(b)).

    Two empty masks have an IoU of 0.

    Raises:
        DataError: the masks are not all of one size.
    """
    _one_size([*a, *b])
    if not a or not b:
        return np.zeros((len(a), len(b)))
    ious = _coco().iou([item._raw() for item in a], [item._raw() for item in b], [0] * len(b))
    return np.nan_to_num(np.asarray(ious, dtype=np.float64).reshape(len(a), len(b)), nan=0.0)


def merge(rles: Sequence[RLE], intersect: bool = False) -> RLE:
    """The union of the masks, or their intersection.

    Raises:
        DataError: there is no mask, or they are not all of one size.
    """
    if not rles:
        raise DataError("merge: got no mask, wanted at least one; RLE.empty(hw) makes an empty one")
    _one_size(rles)
    merged = _coco().merge([item._raw() for item in rles], intersect=intersect)
    runs = _runs.canonical(_runs.parse(merged["counts"]))  # equal masks are equal values; pycocotools ends on runs of 0
    return RLE(rles[0].hw, _runs.compress(runs))


def areas(rles: Sequence[RLE]) -> IntArray:
    """Pixels of each mask, (n,)."""
    return np.array([item.area for item in rles], dtype=np.int64)


def boxes(rles: Sequence[RLE]) -> FloatArray:
    """Tight half-open boxes, (n, 4) x, y, x, y; zeros for empty masks."""
    return np.array([item.box for item in rles], dtype=np.float32).reshape(-1, 4)


def _coco() -> Any:
    import pycocotools.mask

    return pycocotools.mask


def _one_size(rles: Sequence[RLE]) -> None:
    sizes = sorted({item.hw for item in rles})
    if len(sizes) > 1:
        raise DataError(f"masks of different sizes do not compare: {sizes[0]} and {sizes[1]} (height, width)")


def _checked_hw(hw: Sequence[int]) -> tuple[int, int]:
    try:
        height, width = (int(side) for side in hw)
    except (TypeError, ValueError) as error:
        raise DataError(f"size: got {hw!r}, wanted (height, width)") from error
    if min(height, width) < 1:
        raise DataError(f"size: got {height} x {width}, wanted sides of at least 1")
    return height, width
