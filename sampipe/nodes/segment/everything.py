"""All masks of an image, without a prompt."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from sampipe.graph.run.events import progress
from sampipe.nodes._limits import Count, Fraction, NotNegative, Number, TileOverlap
from sampipe.nodes.masks.clean import clean_mask
from sampipe.nodes.prompts.points_and_boxes import grid_points
from sampipe.nodes.segment._crops import Crop, layered_crops, touches_inner_edge
from sampipe.nodes.segment._likeness import likeness
from sampipe.nodes.segment.segment import SamNode, encode, encode_batch
from sampipe.types import RLE, Image, ImageEmbedding, Masks, Prompts
from sampipe.types.nms import box_nms, order_by

if TYPE_CHECKING:
    from sampipe.models.config import EverythingDefaults

_SAME, _MOST_DETECTED = 0.6, 60  # IoU of boxes of one thing; boxes that are asked for
_HURRIED_BATCH = 16  # points between two looks at the clock


class SegmentEverything(SamNode):
    """All masks of an image: a grid of points, three candidates each, the good ones kept (paper, appendix B).

    Each candidate is a mask of its own. It must reach the predicted IoU and the stability (the IoU of its
    full-size logits thresholded ``stability_offset`` above and below), be no larger than
    ``max_area_fraction`` of the image and, in a crop, not be cut off by the crop's inner edge. Where ``max_likeness``
    is below 1, a mask that looks like what is around it, such as a patch of a wall, goes, too. Duplicates go
    by non-maximum suppression on the boxes, first inside a crop by predicted IoU, then across crops, where
    the smaller crop wins. Small holes and islands are cleaned, and masks which that made alike are joined into
    one.

    A model with a detector (nano) is asked for the boxes of what that finds as well, whatever its class; where a box
    and points found the same thing, the box's mask stays.

    Deterministic, unless ``seconds`` cuts it short. Masks come ordered by predicted IoU, highest first; each
    carries the point that found it, its stability and which candidate (1 to 3) it was; its history names the
    crop. Memory is bounded: a batch of points goes to its few run-length masks before the next one begins.

    Parameters that are None take the value that suits the model (``Segmenter.everything``; the paper's for the
    published models).

    Args:
        model, device, precision: see :class:`~sampipe.nodes.segment.segment.SamNode`.
        points_per_side: points along each side of the whole image's grid.
        points_per_batch: points decoded at a time.
        min_iou: lowest predicted IoU.
        stability_threshold: lowest stability.
        stability_offset: in logits.
        crop_layers: layers of crops (2×2, then 4×4, ...) besides the whole image; 2 for SA-1B.
        crop_overlap: share of the image's short side by which crops of the first layer overlap.
        crop_points_downscale: the grid's side is divided by this from layer to layer.
        crop_edge_margin: pixels; a mask this close to an inner crop edge counts as cut off.
        box_nms: IoU of boxes above which two masks of a crop are duplicates.
        crop_nms: the same across crops.
        max_likeness: cosine, -1 to 1, of the encoder's mean features in a mask and in a ring around it.
        min_region_area: pixels; smaller holes are filled and smaller islands dropped. 0 leaves all.
        max_area_fraction: of the image.
        seconds: the time to answer in, loading apart. Points are then tried from coarse to fine, the whole
            image before its crops, and what was found when the time is over is the answer; the masks'
            history says how far it came. At least one batch is always tried. None: all points.

    Raises:
        DataError: a parameter that does not fit.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"points"})

    points_per_side: Annotated[int, Field(ge=1, le=1024)] | None = None
    points_per_batch: Count = 64
    min_iou: float | None = None
    stability_threshold: float | None = None
    stability_offset: NotNegative | None = None
    crop_layers: Annotated[int, Field(ge=0, le=6)] = 0
    crop_overlap: TileOverlap = 512 / 1500
    crop_points_downscale: Count = 2
    crop_edge_margin: NotNegative = 20.0
    box_nms: Fraction | None = None
    crop_nms: Fraction = 0.7
    max_likeness: Annotated[float, Field(ge=-1, le=1)] | None = None
    min_region_area: Number | None = None
    max_area_fraction: Fraction = 0.95
    seconds: NotNegative | None = None

    def run(self, image: Image) -> Masks:
        return self._everything(image, None)

    def run_batch(self, image: Sequence[Image]) -> list[Masks]:
        """Those of several images: encoded together, unless the clock runs for each."""
        if self.seconds is not None:
            return [self.run(one) for one in image]
        return [self._everything(*pair) for pair in zip(image, encode_batch(self.sam, image), strict=True)]

    def _everything(self, image: Image, embedding: ImageEmbedding | None) -> Masks:
        limits = self._limits(self.sam.everything)
        search = _Search(image, self._crops(image, limits.points_per_side), self.seconds)
        found: list[_Found] = []
        for crop, points in search.crops():
            if embedding is None or crop.layer:
                embedding = encode(self.sam, image.crop(crop.box) if crop.layer else image)
            in_crop = self._in_crop(search, embedding, crop, points, limits)
            if not crop.layer:
                in_crop += self._detected(embedding, crop, limits)
            found += [in_crop[i] for i in box_nms(_boxes(in_crop), _detected_first(in_crop), limits.box_nms)]
        if self.crop_layers:
            found = [found[i] for i in box_nms(_boxes(found), _small_crops_first(found), self.crop_nms)]
        if limits.min_region_area:
            found = _cleaned(found, limits.min_region_area, max(limits.box_nms, self.crop_nms))
        return self._masks(image, [found[i] for i in order_by(_ious(found))], search.note())

    def _limits(self, defaults: EverythingDefaults) -> EverythingDefaults:
        given: dict[str, Any] = {
            "points_per_side": self.points_per_side,
            "pred_iou": self.min_iou,
            "stability": self.stability_threshold,
            "stability_offset": self.stability_offset,
            "box_nms": self.box_nms,
            "max_likeness": self.max_likeness,
            "min_region_area": self.min_region_area,
        }
        return dataclasses.replace(defaults, **{name: value for name, value in given.items() if value is not None})

    def _crops(self, image: Image, points_per_side: int) -> list[tuple[Crop, np.ndarray]]:
        """Every crop and its points, in the crop's pixels."""
        crops = []
        for crop in layered_crops(image.hw, self.crop_layers, self.crop_overlap):
            x0, y0, x1, y1 = crop.box
            per_side = max(1, points_per_side // self.crop_points_downscale**crop.layer)
            crops.append((crop, grid_points(per_side, (x1 - x0, y1 - y0))))
        return crops

    def _in_crop(
        self,
        search: _Search,
        embedding: ImageEmbedding,
        crop: Crop,
        points: np.ndarray,
        limits: EverythingDefaults,
    ) -> list[_Found]:
        image = search.image
        largest = self.max_area_fraction * image.height * image.width
        found: list[_Found] = []
        for batch in search.batches(len(points), self.points_per_batch):
            decoded = self.sam.decode_above_iou(embedding, Prompts.from_points(points[batch]), min_iou=limits.pred_iou)
            good = _standing_out(_stable(decoded, limits), embedding, limits)
            rles = [rle.place(crop.box[:2], image.hw) if crop.layer else rle for rle in good.rle()]
            answers = [_found(good, i, rle, crop) for i, rle in enumerate(rles)]
            cut = touches_inner_edge(_boxes(answers), crop.box, image.hw, self.crop_edge_margin)
            found += [one for i, one in enumerate(answers) if not cut[i] and 0 < one.rle.area <= largest]
        return sorted(found, key=lambda one: (one.point[1], one.point[0], one.candidate))

    def _detected(self, embedding: ImageEmbedding, crop: Crop, limits: EverythingDefaults) -> list[_Found]:
        """What the model's detector finds, if it has one, each in its box."""
        from sampipe.models.detect import detect, has_detector

        if not has_detector(self.sam):
            return []
        boxes = detect(self.sam, embedding, confidence=limits.detection, nms=_SAME, most=_MOST_DETECTED).boxes
        if not len(boxes):
            return []
        masks = self.sam.decode(embedding, Prompts.from_boxes(boxes), multimask=False)
        stabilities = masks.stability_scores(limits.stability_offset, full_size=True)
        middles = boxes.reshape(-1, 2, 2).mean(axis=1)
        return [
            _Found(rle, float(iou), float(stability), 0, (float(x), float(y)), crop)
            for rle, iou, stability, (x, y) in zip(
                masks.rle(), masks.iou_scores[:, 0], stabilities[:, 0], middles, strict=True
            )
            if rle.area and stability >= limits.stability
        ]

    def _masks(self, image: Image, found: Sequence[_Found], note: tuple[str, ...]) -> Masks:
        if not found:
            return Masks.empty(image.hw)
        points = np.array([one.point for one in found], np.float32)
        prompts = Prompts.from_points(points, source=(self.type_id,) * len(found))
        steps = (self.describe(), *note)
        return Masks.from_rle([one.rle for one in found], image.hw, prompts).replace(
            iou_scores=_ious(found)[:, None],
            stability=np.array([[one.stability] for one in found], np.float32),
            candidates=np.array([[one.candidate] for one in found], np.int64),
            history=tuple((*steps, f"crop {one.crop.box}") if one.crop.layer else steps for one in found),
        )


class _Found(NamedTuple):
    rle: RLE  # in the whole image
    iou: float
    stability: float
    candidate: int
    point: tuple[float, float]
    crop: Crop


class _Search:
    """Which crops and points are tried, and when to stop."""

    def __init__(self, image: Image, crops: Sequence[tuple[Crop, np.ndarray]], seconds: float | None) -> None:
        self.image = image
        self._crops = crops
        self._seconds = seconds
        self._began = time.monotonic()
        self._tried, self._total = 0, sum(len(points) for _, points in crops)

    def crops(self) -> Iterator[tuple[Crop, np.ndarray]]:
        """The crops that there is time for."""
        for crop, points in self._crops:
            if not self._is_over():
                yield crop, points

    def batches(self, count: int, size: int) -> Iterator[np.ndarray]:
        """Indices of a grid's points, a few at a time while there is time."""
        order = np.arange(count) if self._seconds is None else coarse_to_fine(math.isqrt(count))
        size = size if self._seconds is None else min(size, _HURRIED_BATCH)
        for start in range(0, count, size):
            if self._is_over():
                return
            progress(self._tried / self._total)
            batch = order[start : start + size]
            yield batch
            self._tried += len(batch)

    def note(self) -> tuple[str, ...]:
        """What to tell of a search that was cut short."""
        if self._tried == self._total:
            return ()
        return (f"{self._tried} of {self._total} points in {self._seconds:g} s",)

    def _is_over(self) -> bool:
        late = self._seconds is not None and time.monotonic() - self._began >= self._seconds
        return late and self._tried > 0


def coarse_to_fine(side: int) -> np.ndarray:
    """An order of a side×side grid's points (row by row) any beginning of which is spread over the whole grid."""
    bits = max(1, (side - 1).bit_length())
    row, column = np.divmod(np.arange(side * side), side)
    rank = np.zeros(side * side, np.int64)
    for bit in range(bits):  # the lowest bits of row and column decide first: halves, quarters, eighths
        rank = rank * 4 + (((row ^ column) >> bit & 1) * 2 + (row >> bit & 1))
    return np.argsort(rank, kind="stable")


def _stable(masks: Masks, limits: EverythingDefaults) -> Masks:
    """Those that reach the stability."""
    stability = masks.stability_scores(limits.stability_offset, full_size=True)
    return masks.replace(stability=stability).select(stability[:, 0] >= limits.stability)


def _standing_out(masks: Masks, embedding: ImageEmbedding, limits: EverythingDefaults) -> Masks:
    """Those that look different from what is around them."""
    if limits.max_likeness >= 1 or not len(masks):
        return masks
    return masks.select(likeness(masks, embedding) <= limits.max_likeness)


def _found(good: Masks, i: int, rle: RLE, crop: Crop) -> _Found:
    assert good.stability is not None and good.prompts.points is not None
    x, y = good.prompts.points[i, 0] + np.array(crop.box[:2], np.float32)
    return _Found(
        rle=rle,
        iou=float(good.iou_scores[i, 0]),
        stability=float(good.stability[i, 0]),
        candidate=int(good.candidates[i, 0]),
        point=(float(x), float(y)),
        crop=crop,
    )


def _boxes(found: Sequence[_Found]) -> np.ndarray:
    """As the reference's mask generator compares them: the last pixel, not the one after it, ends a box."""
    return np.array([one.rle.box for one in found], np.float32).reshape(-1, 4) - np.array([0, 0, 1, 1], np.float32)


def _ious(found: Sequence[_Found]) -> np.ndarray:
    return np.array([one.iou for one in found], np.float32)


def _detected_first(found: Sequence[_Found]) -> np.ndarray:
    """Predicted IoU, with what a detector found before everything else."""
    return np.array([one.iou + (one.candidate == 0) for one in found], np.float32)


def _small_crops_first(found: Sequence[_Found]) -> np.ndarray:
    """Scores that put the smallest crop first and leave crops of one size in their order."""
    return -np.array([one.crop.area for one in found], np.float64)


def _cleaned(found: Sequence[_Found], min_area: int, nms: float) -> list[_Found]:
    """Holes and islands cleaned; among masks that became alike, one that needed no mending wins."""
    rles = [clean_mask(one.rle, min_area, min_area) for one in found]
    unchanged = np.array([rle is one.rle for rle, one in zip(rles, found, strict=True)], np.float64)
    tidy = [one._replace(rle=rle) for one, rle in zip(found, rles, strict=True)]
    return [tidy[i] for i in box_nms(_boxes(tidy), unchanged, nms)]
