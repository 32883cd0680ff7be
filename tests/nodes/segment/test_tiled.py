"""A graph over tiles gives what it gives over the whole picture."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sampipe as sp
from sampipe.nodes import Follow, SavePng, Tiled
from sampipe.nodes.segment.tiled import tiles


@sp.register("tiled_test")
class Blobs(sp.Node):
    """Each connected bright region is an object; its label is its color."""

    labelled: bool = True

    def run(self, image: sp.Image) -> sp.Masks:
        from scipy import ndimage

        found, labels = [], []
        for value in set(np.unique(image.pixels[..., 0])) - {0}:
            parts, count = ndimage.label(image.pixels[..., 0] == value)
            found += [parts == i + 1 for i in range(count)]
            labels += [f"grey {value}"] * count
        if not found:
            return sp.Masks.empty(image.hw)
        masks = sp.Masks.from_binary(np.stack(found))
        return masks.with_prompts(masks.prompts.replace(labels=tuple(labels))) if self.labelled else masks


@sp.register("tiled_test")
class Scored(sp.Node):
    """One mask with all scores that a model gives, as logits or as run lengths."""

    as_logits: bool

    def run(self, image: sp.Image) -> sp.Masks:
        import torch

        prompts = sp.Prompts.from_boxes([[0, 0, *image.wh]], scores=[0.9])
        fields = {"frame": sp.Frame.identity(image.hw), "prompts": prompts, "iou_scores": [[0.7]]}
        if self.as_logits:
            return sp.Masks(**fields, logits=torch.full((1, 1, 40, 40), 9.0))
        return sp.Masks(**fields, rles=[[sp.RLE.from_mask(np.ones(image.hw))]], stability=[[0.8]])


def picture(hw: tuple[int, int], boxes: list[tuple[int, int, int, int, int]]) -> sp.Image:
    pixels = np.zeros((*hw, 3), np.uint8)
    for x, y, width, height, grey in boxes:
        pixels[y : y + height, x : x + width] = grey
    return sp.Image.from_array(pixels)


def as_set(masks: sp.Masks) -> set[tuple[bytes, str]]:
    return {(rle.counts, label) for rle, label in zip(masks.rle(), masks.prompts.labels or (), strict=True)}


BOX = st.tuples(
    st.integers(0, 100), st.integers(0, 80), st.integers(1, 60), st.integers(1, 60), st.sampled_from([50, 99, 200])
)


@given(st.lists(BOX, min_size=1, max_size=6), st.integers(24, 64), st.sampled_from([0.2, 0.35, 0.5]))
def test_rectangles_are_whole_again(boxes: list[tuple[int, int, int, int, int]], tile: int, overlap: float) -> None:
    """Non-touching rectangles: what two tiles see of one in their strip is the same."""
    taken = np.zeros((120, 140), bool)
    apart = []
    for x, y, width, height, grey in boxes:
        around = (slice(max(y - 1, 0), y + height + 1), slice(max(x - 1, 0), x + width + 1))
        if not taken[around].any():
            taken[around] = True
            apart.append((x, y, width, height, grey))
    image = picture((120, 140), apart)
    tiled = Tiled.of(Blobs(), tile=tile, overlap=overlap).run(image)
    assert as_set(tiled) == as_set(Blobs().run(image))


def test_objects_of_other_labels_stay_apart() -> None:
    image = picture((40, 100), [(10, 10, 80, 20, 200)])
    tiled = Tiled.of(Blobs(), tile=40, overlap=0.25).run(image)
    assert len(tiled) == 1
    np.testing.assert_array_equal(tiled.boxes(), [[10, 10, 90, 30]])
    assert tiled.history[0][-1] == "Tiled(tile=40, overlap=0.25)"


def test_without_labels_and_without_objects() -> None:
    image = picture((40, 100), [(10, 10, 80, 20, 200)])
    assert len(Tiled.of(Blobs(labelled=False), tile=40).run(image)) == 1
    assert Tiled.of(Blobs(), tile=40).run(picture((40, 100), [])).hw == (40, 100)


def test_prompts_lie_in_the_whole_picture() -> None:
    image = picture((40, 100), [(70, 5, 10, 10, 200)])
    masks = Tiled.of(Blobs(), tile=40, overlap=0.25).run(image)
    np.testing.assert_array_equal(masks.prompts.boxes, [[70, 5, 80, 15]])


@pytest.mark.parametrize("as_logits", [True, False])
def test_scores_and_stability_come_through(as_logits: bool) -> None:
    image = picture((40, 100), [(10, 10, 80, 20, 200)])
    tiled = Tiled.of(Scored(as_logits=as_logits), tile=40, overlap=0.25).run(image)
    assert tiled.iou_scores.max() == pytest.approx(0.7) and tiled.prompts.scores is not None
    assert tiled.stability_scores()[0, 0] == pytest.approx(0.8 if not as_logits else 1.0)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(16, 128), st.floats(0, 0.9))
def test_tiles_cover_everything_and_overlap_enough(height: int, width: int, side: int, overlap: float) -> None:
    seen = np.zeros((height, width), bool)
    windows = list(tiles((height, width), side, overlap))
    for x0, y0, x1, y1 in windows:
        assert x1 - x0 == min(side, width) and y1 - y0 == min(side, height)
        seen[y0:y1, x0:x1] = True
    assert seen.all()
    columns = sorted({window[0] for window in windows})
    assert all(b - a <= max(1, side * (1 - overlap)) + 1 for a, b in itertools.pairwise(columns))


def test_a_graph_that_gives_no_masks_is_refused() -> None:
    from sampipe.nodes import Annotate

    with pytest.raises(sp.GraphError, match="one output that is masks"):
        Tiled.of(Annotate()).run(picture((20, 20), []))


@pytest.mark.parametrize("owner", [Tiled, Follow])
def test_a_graph_that_saves_does_not_hide_in_a_node(owner: type[Tiled] | type[Follow], tmp_path) -> None:
    find, save = Blobs(), SavePng(directory=str(tmp_path / "taken"))

    def kept(image: sp.Image) -> sp.Masks:
        masks = find(image)
        save(image, masks)
        return masks

    graph = sp.trace(kept)
    with pytest.raises(sp.GraphError, match=r"\(SavePng\) in the inner graph saves files"):
        owner.of(graph).run(picture((20, 20), [(2, 2, 5, 5, 9)]))
    assert not (tmp_path / "taken").exists()


def test_a_path_or_a_text_is_a_graph(tmp_path) -> None:
    text = Tiled.of(Blobs()).graph
    (tmp_path / "graph.yaml").write_text(text)
    image = picture((30, 30), [(2, 2, 5, 5, 9)])
    assert len(Tiled(graph=str(tmp_path / "graph.yaml")).run(image)) == len(Tiled(graph=text).run(image)) == 1
