"""What to segment: points, boxes, rough masks and texts for n objects on one image."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sampipe.errors import DataError
from sampipe.types._arrays import BoolArray, FloatArray, IntArray, Value, describe, read_only

if TYPE_CHECKING:
    import supervision as sv

    from sampipe.types.embedding import Embedding

Int8Array = NDArray[np.int8]

_WANTED = {
    "points": "(n, k, 2): n objects with k points each; for n objects with one point each use Prompts.from_points",
    "point_labels": "(n, k): 1 foreground, 0 background, -1 padding, one per point",
    "boxes": "(n, 4): one box x0, y0, x1, y1 per object; Prompts.from_boxes takes a single box too",
    "mask_logits": "(n, m, m): one square map of logits per object (256 x 256 for the official models)",
    "text": "(n, d): one text vector per object",
    "class_ids": "(n,): one whole number per object",
    "track_ids": "(n,): one whole number per object",
    "scores": "(n,): one number per object",
}
_DTYPES: dict[str, Any] = {
    "points": np.float32, "point_labels": np.int8, "boxes": np.float32, "mask_logits": np.float32,
    "text": np.float32, "class_ids": np.int64, "track_ids": np.int64, "scores": np.float32,
}  # fmt: skip
_DIMENSIONS = {
    "points": 3, "point_labels": 2, "boxes": 2, "mask_logits": 3, "text": 2, "class_ids": 1, "track_ids": 1,
    "scores": 1,
}  # fmt: skip
_ROWS = (*_DTYPES, "labels", "source")


@dataclass(frozen=True, eq=False, repr=False)
class Prompts(Value):
    """Prompts for n objects on one image, in original-image pixels.

    The box, the points, the mask and the text of one object go to the model together. Where objects differ in
    what they have, a point of label -1, a box, mask or text of NaN means "this object has none"; a label or
    source of "", a class or track id of -1 and a score of NaN mean "not known".

    Args:
        points: float32 (n, k, 2), x then y.
        point_labels: int8 (n, k): 1 foreground, 0 background, -1 padding. All 1 where left out.
        boxes: float32 (n, 4), x0, y0, x1, y1, half-open.
        mask_logits: float32 (n, m, m) in the model's square input, positive inside.
        text: float32 (n, d) text vectors, of length 1.
        text_space: the CLIP space that they are of; vectors of different spaces do not compare.
        labels: a name per object.
        class_ids: int64 (n,).
        scores: float32 (n,), the detector's confidence.
        source: what made each prompt.
        dropped: objects that :meth:`sanitize` removed.
        clipped: objects that :meth:`sanitize` moved into the image or whose corners it sorted.
        notes: the same in sentences, for whoever gave the prompts: "1 of 3 boxes was cut at the image's edge".

    Raises:
        DataError: shapes that do not fit, and which were wanted.
    """

    points: FloatArray | None = None
    point_labels: Int8Array | None = None
    boxes: FloatArray | None = None
    mask_logits: FloatArray | None = None
    text: FloatArray | None = None
    labels: tuple[str, ...] | None = None
    class_ids: IntArray | None = None
    scores: FloatArray | None = None
    source: tuple[str, ...] | None = None
    track_ids: IntArray | None = None
    text_space: str | None = None
    dropped: int = 0
    clipped: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in _DTYPES:
            if (values := getattr(self, name)) is not None:
                object.__setattr__(self, name, _array(name, values))
        for name in ("labels", "source"):
            if (values := getattr(self, name)) is not None:
                object.__setattr__(self, name, _names(name, values))
        self._check_points()
        self._check_lengths()

    def _check_points(self) -> None:
        if self.points is None:
            if self.point_labels is not None:
                raise DataError("point_labels: there are no points to label; give points too")
            return
        if self.point_labels is None:
            ones = read_only(np.ones(self.points.shape[:2]), np.int8, "point_labels")
            object.__setattr__(self, "point_labels", ones)
        elif self.point_labels.shape != self.points.shape[:2]:
            raise DataError(
                f"point_labels: got {self.point_labels.shape} for points {self.points.shape},"
                f" wanted {_WANTED['point_labels']}"
            )

    def _check_lengths(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in _ROWS if getattr(self, name) is not None}
        if len(set(lengths.values())) > 1:
            raise DataError(f"prompts for a different number of objects: {lengths}; all must be one number n")

    def __len__(self) -> int:
        return next((len(rows) for name in _ROWS if (rows := getattr(self, name)) is not None), 0)

    def __repr__(self) -> str:
        parts = [f"n={len(self)}"]
        for name in _DTYPES:
            if (values := getattr(self, name)) is not None:
                parts.append(f"{name}={values.shape}")
        if self.labels:
            parts.append(f"labels={sorted(set(self.labels))}")
        parts += [f"{name}={count}" for name in ("dropped", "clipped") if (count := getattr(self, name))]
        return f"Prompts({', '.join(parts)})"

    def _repr_html_(self) -> str:
        from sampipe.types.display import prompts_html

        return prompts_html(self)

    @classmethod
    def empty(cls) -> Prompts:
        """No object at all, with every per-object field that detectors fill."""
        return cls(
            boxes=np.zeros((0, 4), np.float32), labels=(), class_ids=np.zeros(0, np.int64),
            scores=np.zeros(0, np.float32), source=(),
        )  # fmt: skip

    @classmethod
    def from_points(
        cls,
        points: ArrayLike,
        point_labels: ArrayLike | None = None,
        *,
        labels: Sequence[str] | None = None,
        class_ids: ArrayLike | None = None,
        scores: ArrayLike | None = None,
        source: str | Sequence[str] | None = None,
    ) -> Prompts:
        """From points (n, 2), an object each, or (n, k, 2), k points for each object.

        ``point_labels`` follow the points: (n,) or (n, k). ``labels`` are the objects' names.
        """
        xy = read_only(points, np.float32, "points")
        if xy.size == 0 and xy.ndim < 3:
            xy = xy.reshape(0, 1, 2)
        if xy.ndim == 2 and xy.shape[1] == 2:
            xy = xy[:, None]
            if point_labels is not None:
                clicks = read_only(point_labels, np.int8, "point_labels")
                point_labels = clicks[:, None] if clicks.ndim == 1 else clicks
        return cls._build(
            len(xy),
            source,
            points=xy,
            point_labels=point_labels,
            labels=labels,
            class_ids=class_ids,
            scores=scores,
        )

    @classmethod
    def from_boxes(
        cls,
        boxes: ArrayLike,
        *,
        labels: Sequence[str] | None = None,
        class_ids: ArrayLike | None = None,
        scores: ArrayLike | None = None,
        source: str | Sequence[str] | None = None,
    ) -> Prompts:
        """From boxes (n, 4) x0, y0, x1, y1, or one box (4,)."""
        xyxy = read_only(boxes, np.float32, "boxes")
        if xyxy.size == 0 or xyxy.shape == (4,):
            xyxy = xyxy.reshape(-1, 4)
        return cls._build(len(xyxy), source, boxes=xyxy, labels=labels, class_ids=class_ids, scores=scores)

    @classmethod
    def object(
        cls,
        box: ArrayLike | None = None,
        points: ArrayLike = (),
        not_points: ArrayLike = (),
        *,
        label: str | None = None,
        source: str | None = None,
    ) -> Prompts:
        """One object: ``Prompts.object(box=(x0, y0, x1, y1), points=[(x, y)], not_points=[(x, y)], label="cup")``.

        :meth:`concat` joins several to one; objects may have a box or none and differ in how many points they have.

        Args:
            box: x0, y0, x1, y1.
            points: (k, 2) on the object, or one point (2,).
            not_points: (k, 2) that are not on it, or one point (2,).

        Raises:
            DataError: neither a box nor a point on the object, or other shapes.
        """
        from sampipe.types._prompt_rows import one_object

        return one_object(box, points, not_points, label, source)

    @classmethod
    def _build(cls, count: int, source: str | Sequence[str] | None, **fields: Any) -> Prompts:
        sources = (source,) * count if isinstance(source, str) else source
        return cls(**fields, source=None if sources is None else tuple(sources))

    @property
    def has_points(self) -> BoolArray:
        """Objects with at least one point that is not padding, bool (n,)."""
        if self.point_labels is None:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray((self.point_labels >= 0).any(axis=1))

    @property
    def has_boxes(self) -> BoolArray:
        """Objects with a box, bool (n,)."""
        return self._present(self.boxes)

    @property
    def has_masks(self) -> BoolArray:
        """Objects with a mask, bool (n,)."""
        return self._present(self.mask_logits)

    @property
    def has_text(self) -> BoolArray:
        """Objects with a text vector, bool (n,)."""
        return self._present(self.text)

    @property
    def ambiguous(self) -> BoolArray:
        """Objects with nothing but a single point, which may mean the whole, a part or a subpart, bool (n,).

        The paper's section 3: only they are answered with three candidates.
        """
        if self.point_labels is None:
            return np.zeros(len(self), dtype=np.bool_)
        lone_point = (self.point_labels >= 0).sum(axis=1) == 1
        return np.asarray(lone_point & ~(self.has_boxes | self.has_masks | self.has_text))

    def _present(self, rows: FloatArray | None) -> BoolArray:
        if rows is None:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray((~np.isnan(rows)).any(axis=tuple(range(1, rows.ndim))))

    def replace(self, **fields: Any) -> Prompts:
        """The same prompts with some fields exchanged."""
        return dataclasses.replace(self, **fields)

    def select(self, index: ArrayLike | slice) -> Prompts:
        """The objects that ``index`` names: an integer, integers, a bool mask (n,) or a slice."""
        rows = row_index(index, len(self))
        chosen: dict[str, Any] = {}
        for name in _ROWS:
            values = getattr(self, name)
            if values is not None:
                chosen[name] = tuple(values[i] for i in rows) if isinstance(values, tuple) else values[rows]
        return self.replace(**chosen)

    def with_text(self, vectors: ArrayLike | Embedding) -> Prompts:
        """The same prompts with a text vector per object, (n, d); an ``Embedding`` says its space, too."""
        space = getattr(vectors, "model", None)
        return self.replace(text=getattr(vectors, "vectors", vectors), text_space=space)

    @staticmethod
    def concat(parts: Sequence[Prompts]) -> Prompts:
        """All objects of ``parts``, in order; what a part lacks is padded (see the class)."""
        from sampipe.types._prompt_rows import concat

        return concat(parts)

    def sanitize(self, hw: tuple[int, int]) -> Prompts:
        """Prompts that are safe for a model, on an image of ``hw`` = (height, width).

        One rule: an object with NaN or infinite coordinates, or with a box that has no area inside the image,
        or that asks nothing, is dropped. The corners of boxes are sorted and boxes are cut at the image's
        border; points outside move onto the nearest pixel. ``dropped`` and ``clipped`` count the objects,
        ``notes`` says it in words.
        """
        from sampipe.types._prompt_rows import sanitize

        return sanitize(self, hw)

    @classmethod
    def from_supervision(cls, detections: sv.Detections, *, source: str | Sequence[str] | None = None) -> Prompts:
        """Boxes, names, class ids and confidences of ``supervision.Detections``."""
        from sampipe.types.interop import prompts_from_supervision

        return prompts_from_supervision(detections, source=source)


def row_index(index: ArrayLike | slice, count: int) -> IntArray:
    """``index`` as whole numbers 0 to count - 1.

    Raises:
        DataError: a bool mask of another length, or a row that is not there.
    """
    if isinstance(index, slice):
        return np.arange(count, dtype=np.int64)[index]
    rows = np.asarray(index)
    if rows.dtype == np.bool_:
        if rows.shape != (count,):
            raise DataError(f"index: got a bool mask of shape {rows.shape}, wanted ({count},), one per object")
        return np.flatnonzero(rows)
    if rows.size == 0:
        return np.zeros(0, dtype=np.int64)
    if rows.dtype.kind not in "iu" or rows.ndim > 1:
        raise DataError(f"index: got {rows.dtype} of shape {rows.shape}, wanted whole numbers or a bool mask")
    rows = np.atleast_1d(rows).astype(np.int64)
    if rows.min() < -count or rows.max() >= count:
        raise DataError(f"index: row {int(rows.max())} is not there; there are {count} objects")
    return np.where(rows < 0, rows + count, rows)


def _array(name: str, values: ArrayLike) -> NDArray[Any]:
    array = read_only(values, _DTYPES[name], name)
    fits = array.ndim == _DIMENSIONS[name]
    if name == "points":
        fits = fits and array.shape[2] == 2
    elif name == "boxes":
        fits = fits and array.shape[1] == 4
    elif name == "mask_logits":
        fits = fits and array.shape[1] == array.shape[2]
    if not fits:
        raise DataError(f"{name}: got {array.shape}, wanted {_WANTED[name]}")
    if name == "point_labels" and not np.isin(array, (-1, 0, 1)).all():
        raise DataError(f"point_labels: got {sorted(set(array.ravel().tolist()))}, wanted only 1, 0 and -1")
    if name == "scores" and np.isinf(array).any():
        raise DataError("scores: got infinity, wanted finite numbers, or NaN where a score is unknown")
    return array


def _names(name: str, values: Any) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        hint = "; for foreground and background clicks use point_labels" if name == "labels" else ""
        raise DataError(f"{name}: got {describe(values)}, wanted one str per object{hint}")
    return tuple(str(value) for value in values)
