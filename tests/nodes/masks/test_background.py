"""Background and objects hidden, and Annotate: the masks stay in the result beside the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import masks_of, rectangle

import sampipe as sp
from sampipe.nodes import Annotate, BlurBackground, LargestMasks, ObjectPrompts, Pixelate, ReplaceBackground, Segment
from sampipe.testing import check_node

HW = (60, 80)
NOISE = sp.Image(np.random.default_rng(0).integers(0, 256, (*HW, 3), dtype=np.uint8))
INSIDE = rectangle(HW, 10, 10, 50, 40)
MASKS = masks_of([INSIDE])
NODES = [BlurBackground(), ReplaceBackground(), Pixelate()]


def test_the_object_stays_sharp_before_a_blurred_background() -> None:
    pixels = BlurBackground(radius=4)(NOISE, MASKS).pixels
    assert (pixels[INSIDE] == NOISE.pixels[INSIDE]).all()
    assert pixels[~INSIDE].std() < 0.3 * NOISE.pixels[~INSIDE].std()


def test_another_background(tmp_path: Path) -> None:
    pixels = ReplaceBackground(color="#0a141e")(NOISE, MASKS).pixels
    assert (pixels[INSIDE] == NOISE.pixels[INSIDE]).all() and (pixels[~INSIDE] == (10, 20, 30)).all()
    sp.Image(np.full((5, 40, 3), 77, np.uint8)).save(tmp_path / "beach.png")
    behind = ReplaceBackground(file=str(tmp_path / "beach.png"))(NOISE, MASKS).pixels
    assert (behind[~INSIDE] == 77).all()
    with pytest.raises(sp.DataError, match="'#RRGGBB'"):
        ReplaceBackground(color="white")


@pytest.mark.parametrize("area", ["mask", "box"])
def test_pixelated_objects_cannot_be_told(area: str) -> None:
    round_one = np.hypot(*(np.mgrid[:60, :80] - np.array([30, 40])[:, None, None])) < 15
    pixels = Pixelate(size=10, area=area)(NOISE, masks_of([round_one])).pixels
    hidden = round_one if area == "mask" else rectangle(HW, 26, 16, 55, 45)
    assert (pixels[~hidden] == NOISE.pixels[~hidden]).all()
    assert len(np.unique(pixels[hidden], axis=0)) <= 16, "squares of ten pixels"
    tiny = Pixelate()(NOISE, masks_of([rectangle(HW, 3, 3, 5, 5)])).pixels
    assert len(np.unique(tiny[3:5, 3:5].reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.describe())
def test_no_objects_and_another_size(node: sp.Node) -> None:
    drawn = node(NOISE, sp.Masks.empty(HW))
    assert isinstance(drawn, sp.Image) and drawn.hw == HW
    assert (drawn.key == NOISE.key) == isinstance(node, Pixelate)
    with pytest.raises(sp.DataError, match="wanted masks of this image"):
        node(NOISE, sp.Masks.empty((3, 3)))
    check_node(node, image=NOISE, masks=MASKS)


@pytest.mark.parametrize("draw", [Annotate(), *NODES], ids=lambda node: node.describe())
def test_a_chain_that_ends_on_a_drawing_keeps_the_masks(draw: sp.Node) -> None:
    graph = (
        ObjectPrompts(objects=[{"box": [285, 115, 365, 395], "label": "rocket"}]) | Segment() | LargestMasks() | draw
    )
    assert set(graph.outputs) == {"image", "masks"}
    result = graph.run(image="sample:rocket")
    assert result.masks.labels == ("rocket",)
    assert result.image.hw == result.masks.hw
    assert sp.Graph.from_yaml(graph.to_yaml()) == graph
    assert set((graph | LargestMasks()).outputs) == {"masks"}
