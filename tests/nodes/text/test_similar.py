from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage import data, filters, measure

from sampipe import DataError, Image
from sampipe.nodes import SimilarPrompts
from sampipe.nodes.text.similar import ExampleCells, learn, peaks

COIN = {"image": "sample:coins", "box": [191, 26, 242, 78]}


def test_peaks_are_where_objects_of_the_size_are() -> None:
    y, x = np.mgrid[:30, :40]
    middles = [(8, 10), (30, 8), (20, 22)]
    similar = sum(height * (np.hypot(x - cx, y - cy) <= 3) for (cx, cy), height in zip(middles, (3, 1, 2), strict=True))
    xy, heights = peaks(np.asarray(similar, float), np.array([6, 6]), 0.2)
    assert xy.tolist() == [list(middles[i]) for i in (0, 2, 1)]
    assert heights == pytest.approx([3, 2, 1])
    assert len(peaks(np.asarray(similar, float), np.array([6, 6]), 1.5)[0]) == 2
    assert len(peaks(np.zeros((5, 5)), np.array([2, 2]), 0.1)[0]) == 0


def test_what_examples_share_with_their_surroundings_does_not_count() -> None:
    own, shared, other = np.eye(3)
    around = np.stack([shared, shared])
    learned = learn([ExampleCells((own + shared)[None] / 2**0.5, around, np.array([4, 4]))])
    similar = learned.similarity(np.stack([own, shared, other]))
    assert similar[0] > learned.threshold > similar[1]
    assert similar[0] > similar[2] == pytest.approx(0)


def test_coins_are_found_by_two_of_them() -> None:
    """All but a few points lie on coins, and most coins get one; a random place is on a coin four times in ten."""
    coins = data.coins()
    on_coin = measure.label(filters.gaussian(coins, 3) > 0.42)
    on_coin[290:] = 0
    node = SimilarPrompts(examples=[COIN, {"image": "sample:coins", "box": [81, 107, 122, 146]}], label="coin")
    prompts = node.run(Image.open("sample:coins"))
    assert prompts.points is not None and prompts.scores is not None
    x, y = prompts.points[:20, 0].astype(int).T
    hit = on_coin[y, x]
    assert (hit > 0).mean() >= 0.8
    assert len(set(hit[hit > 0])) >= 10
    assert (np.diff(prompts.scores) <= 0).all()
    assert set(prompts.labels or ()) == {"coin"}


def test_boxes_are_of_the_examples_size_around_the_points(tiny_sam: str) -> None:
    node = SimilarPrompts(model=tiny_sam, examples=[COIN], boxes=True, threshold=-2, max_objects=3)
    prompts = node.run(Image.open("sample:coins"))
    assert prompts.boxes is not None and prompts.points is not None
    assert 1 <= len(prompts) <= 3
    assert prompts.boxes[:, 2:] - prompts.boxes[:, :2] == pytest.approx(np.tile([51, 52], (len(prompts), 1)))
    assert (prompts.boxes[:, :2] + prompts.boxes[:, 2:]) / 2 == pytest.approx(prompts.points[:, 0])


def test_nothing_similar_enough_is_no_prompt(tiny_sam: str) -> None:
    assert len(SimilarPrompts(model=tiny_sam, examples=[COIN], threshold=2).run(Image.open("sample:coins"))) == 0


def test_a_mask_says_the_same_as_its_box_and_another_mask_is_another_digest(tiny_sam: str, tmp_path: Path) -> None:
    mask = np.zeros((303, 384), np.uint8)
    mask[26:78, 191:242] = 200
    PilImage.fromarray(mask).save(tmp_path / "mask.png")
    by_mask = SimilarPrompts(model=tiny_sam, examples=[{"image": "sample:coins", "mask": str(tmp_path / "mask.png")}])
    by_box = SimilarPrompts(model=tiny_sam, examples=[COIN])
    assert by_mask.learned.inside == pytest.approx(by_box.learned.inside)
    before = by_mask.digest()
    PilImage.fromarray(mask * 0).save(tmp_path / "mask.png")
    assert by_mask.digest() != before
    by_mask.close()
    with pytest.raises(DataError, match="is empty"):
        by_mask.run(Image.open("sample:coins"))


@pytest.mark.parametrize("examples", [[], "a.png", [{"image": "a.png"}], [{"image": "a", "mask": "b", "box": []}]])
def test_examples_that_do_not_fit(examples: object) -> None:
    with pytest.raises(DataError, match="SimilarPrompts: "):
        SimilarPrompts(examples=examples)  # type: ignore[arg-type]


def test_a_box_that_does_not_fit(tiny_sam: str) -> None:
    node = SimilarPrompts(model=tiny_sam, examples=[{"image": "sample:coins", "box": [1, 2, "x", 4]}])
    with pytest.raises(DataError, match=r"wanted \[x0, y0, x1, y1\]"):
        node.run(Image.open("sample:coins"))
