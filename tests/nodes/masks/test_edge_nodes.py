from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawings import files, grey_image, masks_of, rectangle
from PIL import Image as PilImage
from scipy import ndimage

from sampipe import DataError, EdgeMap, Frame, Masks, Prompts
from sampipe.nodes import MaskEdges, PointGrid, SaveEdges, Segment, ThinEdges

HW = (40, 60)
BLOCK = rectangle(HW, 20, 10, 40, 30)
AROUND = ndimage.binary_dilation(BLOCK, np.ones((3, 3), bool)) & ~BLOCK


def logits_of(*slopes: float, ious: tuple[float, ...] = ()) -> Masks:
    """One object; its candidates are a disc in a 64 x 64 picture, each of another steepness."""
    y, x = np.mgrid[:64, :64]
    depth = 15 - np.hypot(y - 32, x - 32)
    return Masks(
        frame=Frame.identity((64, 64)),
        prompts=Prompts.from_points([[32, 32]]),
        iou_scores=np.array([ious or (0.9,) * len(slopes)], np.float32),
        logits=torch.tensor(np.stack([slope * depth for slope in slopes])[None], dtype=torch.float32),
    )


def test_a_mask_ends_at_its_outer_boundary_and_nowhere_else() -> None:
    edges = MaskEdges().run(masks_of([BLOCK]))
    assert edges.hw == HW
    assert ((edges.strength > 0) == AROUND).all()
    assert edges.strength.max() == 1


def test_where_masks_meet_the_picture_ends_there_is_no_edge() -> None:
    left_half = rectangle(HW, 0, 0, 30, 40)
    edges = MaskEdges().run(masks_of([left_half]))
    assert np.unique(np.nonzero(edges.strength)[1]).tolist() == [30]
    everything = MaskEdges().run(masks_of([np.ones(HW, bool)]))
    assert not everything.strength.any()


def test_sure_masks_make_strong_edges() -> None:
    soft, sharp = (MaskEdges(box_nms=1.0).run(logits_of(slope, 5.0)).strength for slope in (0.2, 5.0))
    assert (soft == sharp).all()  # the sharp one of both wins everywhere
    alone = MaskEdges().run(logits_of(0.2)).strength
    assert alone.max() == 1  # scaled
    apart = Masks.concat([logits_of(0.2), logits_of(5.0)])
    assert (MaskEdges(box_nms=1.0).run(apart).strength == sharp).all()


def test_every_candidate_counts_and_of_duplicates_the_best() -> None:
    steep_is_worse = logits_of(0.2, 5.0, ious=(0.9, 0.5))
    strongest = MaskEdges(box_nms=1.0).run(steep_is_worse).strength
    without_steep = MaskEdges(box_nms=0.7).run(steep_is_worse).strength
    assert (strongest == MaskEdges().run(logits_of(5.0)).strength).all()
    assert (without_steep == MaskEdges().run(logits_of(0.2)).strength).all()


def test_no_mask_no_edge() -> None:
    assert not MaskEdges().run(Masks.empty(HW)).strength.any()
    assert not MaskEdges().run(masks_of([np.zeros(HW, bool)])).strength.any()


@pytest.mark.parametrize("angle", [0, 20, 45, 90, 110, 160])
def test_a_thick_edge_becomes_a_line_at_its_ridge(angle: float) -> None:
    y, x = np.mgrid[:60, :60] - 30
    across = x * np.sin(np.radians(angle)) - y * np.cos(np.radians(angle))
    thinned = ThinEdges().run(EdgeMap(np.exp(-(across**2) / 8))).strength
    inside = np.hypot(y, x) < 25
    assert (np.abs(across)[(thinned > 0) & inside] <= 0.75).all()
    along = -x * np.cos(np.radians(angle)) - y * np.sin(np.radians(angle))
    found = np.unique(np.rint(along[(thinned > 0) & inside]))
    assert len(found) >= 35  # no gap to speak of
    assert ndimage.label((thinned > 0) & inside, np.ones((3, 3)))[1] == 1


def test_thinning_keeps_the_strength_of_what_stays() -> None:
    strength = np.random.default_rng(0).random((30, 40)).astype(np.float32)
    thinned = ThinEdges().run(EdgeMap(strength)).strength
    kept = thinned > 0
    assert 0 < kept.sum() < strength.size / 2
    assert (thinned[kept] == strength[kept]).all()


def test_thinning_nothing() -> None:
    assert not ThinEdges().run(EdgeMap(np.zeros(HW))).strength.any()


def test_the_recipe_of_the_paper_as_a_graph(tiny_sam: str) -> None:
    image = grey_image((48, 64))
    graph = PointGrid(per_side=4) | Segment(model=tiny_sam, multimask="always") | MaskEdges() | ThinEdges()
    assert graph.run(image=image).edges.hw == image.hw


def test_files_hold_the_strength_in_8_bits(tmp_path: Path) -> None:
    strength = np.linspace(0, 1, 40 * 60, dtype=np.float32).reshape(HW)
    node = SaveEdges(directory=str(tmp_path))
    edges = EdgeMap(strength)
    assert node.run(grey_image(HW, source="photos/a.jpg"), edges) is edges
    assert files(tmp_path) == ["a.png"]
    saved = np.asarray(PilImage.open(tmp_path / "a.png"))
    assert saved.dtype == np.uint8
    assert np.abs(saved / 255 - strength).max() <= 0.5 / 255 + 1e-6


def test_edges_of_another_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="edges of 60x40 pixels for an image of 10x10"):
        SaveEdges(directory=str(tmp_path)).run(grey_image((10, 10)), EdgeMap(np.zeros(HW)))
