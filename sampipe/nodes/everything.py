"""All masks of an image, without a prompt."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sampipe.nodes._checks import check_number
from sampipe.nodes._crops import Crop, layered_crops, touches_inner_edge
from sampipe.nodes._nms import box_nms, order_by
from sampipe.nodes.clean import clean_mask
from sampipe.nodes.prompts import grid_points
from sampipe.nodes.segment import SamNode, encode
from sampipe.types import RLE, Image, Masks, Prompts

if TYPE_CHECKING:
    from sampipe.models.config import EverythingDefaults


class SegmentEverything(SamNode):
    """All masks of an image: a grid of points, three candidates each, the good ones kept (paper, appendix B).

    Each candidate is a mask of its own. It must reach the predicted IoU and the stability (the IoU of its
    low-resolution logits thresholded ``stability_offset`` above and below), be no larger than
    ``max_area_fraction`` of the image and, in a crop, not be cut off by the crop's inner edge. Duplicates go
    by non-maximum suppression on the boxes, first inside a crop by predicted IoU, then across crops, where
    the smaller crop wins. Small holes and islands are mended, and masks which that made alike are joined into
    one.

    Deterministic. Masks come ordered by predicted IoU, highest first; each carries the point that found it,
    its stability and which candidate (1 to 3) it was; its history names the crop. Memory is bounded: a batch
    of points goes to its few run-length masks before the next one begins.

    Parameters that are None take the value that suits the model (``model.config.everything``; the paper's for
    the published models).

    Args:
        model, device: see :class:`~sampipe.nodes.segment.SamNode`.
        points_per_side: points along each side of the whole image's grid.
        points_per_batch: points decoded at a time.
        pred_iou_threshold: lowest predicted IoU.
        stability_threshold: lowest stability.
        stability_offset: in logits.
        crop_layers: layers of crops (2×2, then 4×4, ...) besides the whole image; 2 for SA-1B.
        crop_overlap: share of the image's short side by which crops of the first layer overlap.
        crop_points_downscale: the grid's side is divided by this from layer to layer.
        crop_edge_margin: pixels; a mask this close to an inner crop edge counts as cut off.
        box_nms: IoU of boxes above which two masks of a crop are duplicates.
        crop_nms: the same across crops.
        min_region_area: pixels; smaller holes are filled and smaller islands dropped. 0 leaves all.
        max_area_fraction: of the image.

    Raises:
        DataError: a parameter that does not fit.
    """

    points_per_side: int | None = None
    points_per_batch: int = 64
    pred_iou_threshold: float | None = None
    stability_threshold: float | None = None
    stability_offset: float | None = None
    crop_layers: int = 0
    crop_overlap: float = 512 / 1500
    crop_points_downscale: int = 2
    crop_edge_margin: float = 20.0
    box_nms: float | None = None
    crop_nms: float = 0.7
    min_region_area: int | None = None
    max_area_fraction: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self, "points_per_side", least=1, most=1024, whole=True, optional=True)
        check_number(self, "points_per_batch", least=1, whole=True)
        for name in ("pred_iou_threshold", "stability_threshold"):
            check_number(self, name, optional=True)
        check_number(self, "stability_offset", least=0, optional=True)
        check_number(self, "crop_layers", least=0, most=6, whole=True)
        check_number(self, "crop_overlap", least=0, most=0.9)
        check_number(self, "crop_points_downscale", least=1, whole=True)
        check_number(self, "crop_edge_margin", least=0)
        check_number(self, "box_nms", least=0, most=1, optional=True)
        for name in ("crop_nms", "max_area_fraction"):
            check_number(self, name, least=0, most=1)
        check_number(self, "min_region_area", least=0, whole=True, optional=True)

    def run(self, image: Image) -> Masks:
        limits = self._limits(self.sam.config.everything)
        found: list[_Found] = []
        for crop in layered_crops(image.hw, self.crop_layers, self.crop_overlap):
            in_crop = list(self._in_crop(image, crop, limits))
            found += [in_crop[i] for i in box_nms(_boxes(in_crop), _ious(in_crop), limits.box_nms)]
        if self.crop_layers:
            found = [found[i] for i in box_nms(_boxes(found), _small_crops_first(found), self.crop_nms)]
        if limits.min_region_area:
            found = _mended(found, limits.min_region_area, max(limits.box_nms, self.crop_nms))
        return self._masks(image, [found[i] for i in order_by(_ious(found))])

    def _limits(self, defaults: EverythingDefaults) -> EverythingDefaults:
        given: dict[str, Any] = {
            "points_per_side": self.points_per_side,
            "pred_iou": self.pred_iou_threshold,
            "stability": self.stability_threshold,
            "stability_offset": self.stability_offset,
            "box_nms": self.box_nms,
            "min_region_area": self.min_region_area,
        }
        return dataclasses.replace(defaults, **{name: value for name, value in given.items() if value is not None})

    def _in_crop(self, image: Image, crop: Crop, limits: EverythingDefaults) -> Iterator[_Found]:
        x0, y0, x1, y1 = crop.box
        part = image.crop(crop.box) if crop.layer else image
        embedding = encode(self.sam, part)
        per_side = max(1, limits.points_per_side // self.crop_points_downscale**crop.layer)
        points = grid_points(per_side, (x1 - x0, y1 - y0))
        largest = self.max_area_fraction * image.height * image.width
        for start in range(0, len(points), self.points_per_batch):
            prompts = Prompts.from_points(points[start : start + self.points_per_batch])
            decoded = self.sam.decode(embedding, prompts, multimask=True)
            good = _good_candidates(decoded, limits)
            rles = [rle.place((x0, y0), image.hw) if crop.layer else rle for rle in good.rle()]
            cut = touches_inner_edge(
                np.array([rle.box for rle in rles]).reshape(-1, 4), crop.box, image.hw, self.crop_edge_margin
            )
            for i, rle in enumerate(rles):
                if not cut[i] and 0 < rle.area <= largest:
                    yield _found(good, i, rle, crop)

    def _masks(self, image: Image, found: Sequence[_Found]) -> Masks:
        if not found:
            return Masks.empty(image.hw)
        points = np.array([one.point for one in found], np.float32)
        prompts = Prompts.from_points(points, source=(self.type_id,) * len(found))
        step = self.describe()
        return Masks.from_rle([one.rle for one in found], image.hw, prompts).replace(
            iou_scores=_ious(found)[:, None],
            stability=np.array([[one.stability] for one in found], np.float32),
            candidates=np.array([[one.candidate] for one in found], np.int64),
            history=tuple((step, f"crop {one.crop.box}") if one.crop.layer else (step,) for one in found),
        )


class _Found(NamedTuple):
    rle: RLE  # in the whole image
    iou: float
    stability: float
    candidate: int
    point: tuple[float, float]
    crop: Crop


def _good_candidates(masks: Masks, limits: EverythingDefaults) -> Masks:
    """The candidates that reach both thresholds, each as an object of its own."""
    stability = masks.stability_scores(limits.stability_offset)
    objects, columns = np.nonzero((masks.iou_scores >= limits.pred_iou) & (stability >= limits.stability))
    chosen = masks.select(objects).choose(columns)
    return chosen.replace(stability=stability[objects, columns][:, None])


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
    return np.array([one.rle.box for one in found], np.float32).reshape(-1, 4)


def _ious(found: Sequence[_Found]) -> np.ndarray:
    return np.array([one.iou for one in found], np.float32)


def _small_crops_first(found: Sequence[_Found]) -> np.ndarray:
    """Scores that put the smallest crop first and, within crops of one size, the highest predicted IoU."""
    return _as_scores(np.lexsort((-_ious(found), np.array([one.crop.area for one in found]))))


def _mended(found: Sequence[_Found], min_area: int, nms: float) -> list[_Found]:
    """Holes and islands mended; among masks that became alike, one that needed no mending wins."""
    rles = [clean_mask(one.rle, min_area, min_area) for one in found]
    changed = np.array([rle is not one.rle for rle, one in zip(rles, found, strict=True)], bool)
    mended = [one._replace(rle=rle) for one, rle in zip(found, rles, strict=True)]
    return [mended[i] for i in box_nms(_boxes(mended), _as_scores(np.lexsort((-_ious(mended), changed))), nms)]


def _as_scores(best_first: np.ndarray) -> np.ndarray:
    scores = np.empty(len(best_first))
    scores[best_first] = -np.arange(len(best_first))
    return scores
