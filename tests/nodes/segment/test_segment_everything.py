from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from drawings import grey_image

from sampipe import DataError, Image, load_model, resource
from sampipe.models.config import EverythingDefaults
from sampipe.nodes import SegmentEverything
from sampipe.nodes.masks.clean import clean_mask
from sampipe.nodes.segment.everything import coarse_to_fine
from sampipe.nodes.segment.segment import run_lengths
from sampipe.types import Frame, ImageEmbedding, Masks, Prompts
from sampipe.types.nms import box_nms

HW = (48, 64)


@pytest.fixture
def image() -> Image:
    return Image.from_array(np.random.default_rng(3).integers(0, 255, (*HW, 3)).astype(np.uint8))


def all_candidates(image: Image, model: str, per_side: int) -> Masks:
    """Every candidate of every point, as run lengths, straight from the model."""
    sam = load_model(model, "cpu")
    x, y = np.meshgrid((np.arange(per_side) + 0.5) / per_side * HW[1], (np.arange(per_side) + 0.5) / per_side * HW[0])
    prompts = Prompts.from_points(np.stack([x.ravel(), y.ravel()], axis=1))
    decoded = sam.decode(sam.encode([image])[0], prompts, multimask=True)
    return run_lengths(decoded.replace(stability=decoded.stability_scores(1.0, full_size=True)))


def test_the_recipe_on_the_whole_image(image: Image, tiny_sam: str) -> None:
    raw = all_candidates(image, tiny_sam, 4)
    iou_limit = float(np.median(raw.iou_scores))
    stability_limit = float(np.quantile(raw.stability, 0.3))
    good = (raw.iou_scores >= iou_limit) & (raw.stability >= stability_limit)
    flat = [(raw.rles[i][k], raw.iou_scores[i, k]) for i, k in np.argwhere(good)]
    flat = [(rle, iou) for rle, iou in flat if 0 < rle.area <= 0.95 * 48 * 64]
    kept = box_nms(np.array([rle.box - (0, 0, 1, 1) for rle, _ in flat]), np.array([iou for _, iou in flat]), 0.5)

    masks = SegmentEverything(
        model=tiny_sam,
        points_per_side=4,
        points_per_batch=5,
        min_iou=iou_limit,
        stability_threshold=stability_limit,
        box_nms=0.5,
    )(image)
    assert len(masks) > 0
    assert [rle.counts for rle in masks.rle()] == [flat[i][0].counts for i in kept]
    np.testing.assert_allclose(masks.iou_scores[:, 0], [flat[i][1] for i in kept], rtol=1e-5)


def test_what_each_mask_carries(image: Image, tiny_sam: str) -> None:
    node = SegmentEverything(model=tiny_sam, points_per_side=2, box_nms=1.0)
    masks = node(image)
    assert len(masks) > 1
    assert set(masks.candidates[:, 0].tolist()) <= {1, 2, 3}
    assert set(map(tuple, masks.prompts.points[:, 0].tolist())) <= {(16, 12), (48, 12), (16, 36), (48, 36)}
    assert (np.diff(masks.iou_scores[:, 0]) <= 0).all()
    assert masks.stability.shape == (len(masks), 1)
    assert masks.history[0] == (node.describe(),)
    assert set(masks.prompts.source) == {"sampipe.SegmentEverything@1"}


def test_the_size_of_a_batch_changes_nothing(image: Image, tiny_sam: str) -> None:
    results = [SegmentEverything(model=tiny_sam, points_per_batch=size)(image) for size in (1, 4, 1000)]
    assert len({masks.rle() for masks in results}) == 1


def test_parameters_left_out_come_from_the_model(image: Image, tiny_sam: str) -> None:
    assert load_model(tiny_sam, "cpu").config.everything.points_per_side == 3
    assert (
        SegmentEverything(model=tiny_sam)(image).rle()
        == SegmentEverything(
            model=tiny_sam, points_per_side=3, min_iou=0.5, stability_threshold=0.0, min_region_area=0
        )(image).rle()
    )


def test_thresholds_that_nothing_reaches(image: Image, tiny_sam: str) -> None:
    for impossible in ({"min_iou": 99.0}, {"stability_threshold": 1.1}, {"max_area_fraction": 0.0}):
        masks = SegmentEverything(model=tiny_sam, **impossible)(image)
        assert (len(masks), masks.hw) == (0, HW)


def test_large_masks_go(image: Image, tiny_sam: str) -> None:
    everything = SegmentEverything(model=tiny_sam, max_area_fraction=1.0, box_nms=1.0)(image).area()
    limit = float(np.median(everything)) / (48 * 64)
    kept = SegmentEverything(model=tiny_sam, max_area_fraction=limit, box_nms=1.0)(image).area()
    assert sorted(kept) == sorted(area for area in everything if area <= limit * 48 * 64)


class SquareModel:
    """Answers each point with one square of 7 x 7 cells around it (16 x 16 cells an image)."""

    key = "squares"
    device = "cpu"
    everything = EverythingDefaults(min_region_area=0)

    def encode(self, images: list[Image]) -> list[ImageEmbedding]:
        return [
            ImageEmbedding(
                features=torch.zeros(1, 1, 1), frame=Frame.fit(one.hw, 64), model_key=self.key, image_key=one.key
            )
            for one in images
        ]

    def decode_above_iou(self, embedding: ImageEmbedding, prompts: Prompts, *, min_iou: float) -> Masks:
        assert 0.1 < min_iou <= 0.9
        logits = torch.full((len(prompts), 1, 16, 16), -9.0)
        for row, point in enumerate(embedding.frame.points_to_input(prompts.points[:, 0])):
            x, y = (int(cell) for cell in point // 4)
            logits[row, 0, max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4] = 9.0
        ious, candidates = np.full((len(prompts), 1), 0.9), np.ones((len(prompts), 1))
        return Masks(frame=embedding.frame, prompts=prompts, iou_scores=ious, logits=logits, candidates=candidates)


class EverythingOnSquares(SegmentEverything):
    @resource
    def sam(self) -> SquareModel:
        return SquareModel()


# Four crops of 32 x 32 pixels without overlap, each with 2 x 2 points, 8 and 24 pixels from its corner. In a crop a
# cell is 2 pixels wide: a square around the nearer point begins just inside the crop, and one around the farther
# point goes up to the crop's edge.
IN_CROPS = {"points_per_side": 2, "crop_layers": 1, "crop_overlap": 0.0, "crop_points_downscale": 1}


def points_of(masks: Masks) -> set[tuple[float, float]]:
    return {
        (x, y)
        for (x, y), steps in zip(masks.prompts.points[:, 0].tolist(), masks.history, strict=True)
        if len(steps) > 1
    }


def test_masks_cut_by_a_crop_s_inner_edge_go() -> None:
    masks = EverythingOnSquares(**IN_CROPS, crop_edge_margin=1.0)(grey_image((64, 64)))
    assert points_of(masks) == {(x, y) for x in (8, 40, 56) for y in (8, 40, 56)}  # not 24: cut at 32
    masks = EverythingOnSquares(**IN_CROPS, crop_edge_margin=4.0)(grey_image((64, 64)))
    assert points_of(masks) == {(x, y) for x in (8, 56) for y in (8, 56)}  # 40: begins within 4 pixels of 32


def test_masks_of_crops_lie_where_their_points_are() -> None:
    masks = EverythingOnSquares(**IN_CROPS, crop_edge_margin=1.0)(grey_image((64, 64)))
    for box, (x, y), steps in zip(masks.boxes(), masks.prompts.points[:, 0], masks.history, strict=True):
        if len(steps) > 1:
            assert (box[0] < x < box[2]) & (box[1] < y < box[3])
            assert box[2] - box[0] <= 16
    assert ("crop (32, 0, 64, 32)",) in {steps[1:] for steps in masks.history}


def test_the_smaller_crop_wins() -> None:
    image = grey_image((64, 64))
    apart = EverythingOnSquares(**IN_CROPS, crop_edge_margin=1.0, crop_nms=1.0)(image)
    merged = EverythingOnSquares(**IN_CROPS, crop_edge_margin=1.0, crop_nms=0.0)(image)
    assert len(points_of(apart)) == len(points_of(merged)) == 9
    assert len(apart) > len(merged) == 9, "every mask of the whole image meets one of a crop"


def test_duplicates_within_an_image_go() -> None:
    image = grey_image((64, 64))
    assert len(EverythingOnSquares(points_per_side=16, box_nms=1.0)(image)) == 256
    assert len(EverythingOnSquares(points_per_side=16, box_nms=0.0)(image)) < 10


def test_small_regions_are_mended(image: Image, tiny_sam: str) -> None:
    masks = SegmentEverything(model=tiny_sam, min_region_area=40, box_nms=1.0, crop_nms=1.0)(image)
    assert len(masks) > 0
    for rle in masks.rle():
        assert clean_mask(rle, 40, 40) is rle


def test_one_pixel_with_crops(tiny_sam: str) -> None:
    masks = SegmentEverything(model=tiny_sam, crop_layers=2)(grey_image((1, 1)))
    assert masks.hw == (1, 1)


@pytest.mark.parametrize(
    "parameters",
    [
        {"points_per_side": 0},
        {"points_per_batch": 0},
        {"min_iou": float("nan")},
        {"crop_layers": -1},
        {"crop_overlap": 1.0},
        {"crop_points_downscale": 0},
        {"box_nms": 2},
        {"min_region_area": 1.5},
        {"max_area_fraction": 95},
    ],
)
def test_parameters_that_do_not_fit(parameters: dict[str, object]) -> None:
    with pytest.raises(DataError, match=f"SegmentEverything: {next(iter(parameters))}="):
        SegmentEverything(**parameters)


def test_no_time_is_one_batch_spread_over_the_image() -> None:
    masks = EverythingOnSquares(points_per_side=16, box_nms=1.0, seconds=0)(grey_image((64, 64)))
    points = masks.prompts.points[:, 0]
    assert len(points) == 16
    assert {(int(x) // 16, int(y) // 16) for x, y in points} == {(x, y) for x in range(4) for y in range(4)}
    assert masks.history[0][1] == "16 of 256 points in 0 s"


def test_enough_time_changes_nothing(image: Image, tiny_sam: str) -> None:
    plain, timed = (
        SegmentEverything(model=tiny_sam, crop_layers=1, seconds=seconds)(image) for seconds in (None, 1000)
    )
    assert plain.rle() == timed.rle()
    assert {len(steps) for steps in timed.history} <= {1, 2} and "points" not in str(timed.history)


@pytest.mark.parametrize("side", [1, 2, 3, 7, 32])
def test_coarse_to_fine(side: int) -> None:
    order = coarse_to_fine(side)
    assert sorted(order) == list(range(side * side))
    if side == 32:
        first = [divmod(int(i), side) for i in order[:64]]
        assert {(row // 4, column // 4) for row, column in first} == {(y, x) for y in range(8) for x in range(8)}


class Scene(SquareModel):
    """An image whose left half is one thing and whose right half another, by its features."""

    def encode(self, images: list[Image]) -> list[ImageEmbedding]:
        features = torch.zeros(2, 16, 16)
        features[0, :, :8], features[1, :, 8:] = 1.0, 1.0
        return [dataclasses.replace(one, features=features) for one in super().encode(images)]

    def decode_above_iou(self, embedding: ImageEmbedding, prompts: Prompts, *, min_iou: float) -> Masks:
        masks = super().decode_above_iou(embedding, prompts, min_iou=min_iou)
        masks.logits[0, 0] = -9.0
        masks.logits[0, 0, :, :8] = 9.0  # the left half; the other points have their squares
        return masks


class EverythingInScene(SegmentEverything):
    @resource
    def sam(self) -> Scene:
        return Scene()


def test_patches_of_what_is_around_them_go() -> None:
    image = Image(np.zeros((64, 64, 3), np.uint8))
    every = EverythingInScene(points_per_side=4, box_nms=1.0)(image)
    outstanding = EverythingInScene(points_per_side=4, box_nms=1.0, max_likeness=0.2)(image)
    assert len(every) > len(outstanding) == 1
    assert outstanding.boxes().tolist() == [[0, 0, 32, 64]]
