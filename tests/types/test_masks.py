"""Masks: candidates, selection, exchange, and the story of each object."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from sampipe.errors import DataError
from sampipe.types import RLE, Frame, Masks, Prompts

FRAME = Frame.fit((30, 40), 64)
RNG = np.random.default_rng(0)


def three_candidates(count: int = 2) -> Masks:
    return Masks(
        frame=FRAME,
        prompts=Prompts.from_points(RNG.uniform(0, 30, (count, 2)), labels=["cat"] * count, source="Points"),
        iou_scores=np.array([[0.2, 0.9, 0.5], [0.7, 0.1, 0.3]], np.float32)[:count],
        logits=torch.from_numpy(RNG.normal(size=(count, 3, 16, 16)).astype(np.float32)),
        stability=np.array([[0.3, 0.2, 0.1], [0.6, 0.5, 0.4]], np.float32)[:count],
        history=(("Segment(model='nano')",),) * count,
    )


def two_squares() -> Masks:
    pixels = np.zeros((2, 10, 12), bool)
    pixels[0, 2:5, 3:7] = True
    pixels[1, 0:10, 11:] = True
    return Masks.from_binary(pixels)


def test_candidates_are_named() -> None:
    masks = three_candidates()
    assert (len(masks), masks.num_candidates, masks.hw) == (2, 3, (30, 40))
    assert masks.candidates.tolist() == [[1, 2, 3], [1, 2, 3]]
    assert two_squares().candidates.tolist() == [[0], [0]]
    assert repr(masks) == "Masks(n=2, candidates=3, image=40x30, logits 16x16)"


def test_best_takes_the_highest_predicted_iou() -> None:
    masks = three_candidates()
    best = masks.best()
    assert best.num_candidates == 1
    assert best.candidates.tolist() == [[2], [1]]
    assert best.iou_scores.tolist() == [[pytest.approx(0.9)], [pytest.approx(0.7)]]
    assert best.stability is not None and best.stability.tolist() == [
        [pytest.approx(0.2)],
        [pytest.approx(0.6)],
    ]
    assert best.logits is not None and masks.logits is not None
    assert torch.equal(best.logits[0, 0], masks.logits[0, 1])
    assert best.best() is best
    np.testing.assert_array_equal(masks.binary(), best.binary())
    assert masks.rle() == best.rle()


def test_a_score_that_is_not_known_is_never_the_best() -> None:
    masks = three_candidates().replace(iou_scores=np.array([[np.nan, 0.1, np.nan], [np.nan] * 3], np.float32))
    assert masks.best().candidates.tolist() == [[2], [1]]


def test_choose_and_candidate() -> None:
    masks = three_candidates()
    assert masks.choose([2, 0]).candidates.tolist() == [[3], [1]]
    assert masks.candidate(2).candidates.tolist() == [[3], [3]]
    runs = Masks(frame=FRAME, prompts=masks.prompts, iou_scores=masks.iou_scores, rles=masks.all_rles())
    assert runs.choose([2, 0]).rle() == masks.choose([2, 0]).rle()
    assert runs.rle() == masks.rle()
    with pytest.raises(DataError, match="one per object"):
        masks.choose([0])
    with pytest.raises(DataError, match="there are 3"):
        masks.candidate(3)


@pytest.mark.parametrize("index", [[1], np.array([False, True]), slice(1, None), 1, -1])
def test_select_keeps_rows_together(index: object) -> None:
    for masks in (three_candidates(), three_candidates().best()):
        one = masks.select(index, step="LargestMasks(count=1)")  # type: ignore[arg-type]
        assert len(one) == len(one.prompts) == 1
        assert one.history == (("Segment(model='nano')", "LargestMasks(count=1)"),)
        assert one.rle() == masks.rle()[1:]
        np.testing.assert_array_equal(one.iou_scores, masks.iou_scores[1:])


def test_accessors_agree() -> None:
    masks = three_candidates()
    pixels = masks.binary()
    assert pixels.shape == (2, 30, 40) and pixels.dtype == np.bool_
    np.testing.assert_array_equal(pixels, list(masks.iter_binary()))
    np.testing.assert_array_equal(pixels, [item.decode() for item in masks.rle()])
    np.testing.assert_array_equal(pixels.sum(axis=(1, 2)), masks.area())
    np.testing.assert_array_equal(list(masks.iter_binary()), pixels)  # from the runs, now that they are there
    assert [sum(part.area for part in parts) for parts in masks.polygons()] == masks.area().tolist()
    assert masks.rle() is masks.rle()


def test_boxes_are_half_open() -> None:
    masks = two_squares()
    assert masks.boxes().tolist() == [[3, 2, 7, 5], [11, 0, 12, 10]]
    assert masks.area().tolist() == [12, 10]
    assert masks.prompts.boxes is not None and masks.prompts.boxes.tolist() == masks.boxes().tolist()


@pytest.mark.parametrize(
    "masks",
    [
        Masks.empty((30, 40)),
        Masks.empty((30, 40), FRAME),
        three_candidates().select([]),
        Masks.from_binary(np.zeros((0, 30, 40), bool)),
        Masks.from_rle([], (30, 40)),
    ],
)
def test_no_object_is_typed_and_sized(masks: Masks) -> None:
    assert len(masks) == 0 and masks.hw == (30, 40)
    assert masks.rle() == () and list(masks.iter_binary()) == [] and masks.polygons() == []
    assert masks.binary().shape == (0, 30, 40) and masks.binary().dtype == np.bool_
    assert masks.boxes().shape == (0, 4) and masks.boxes().dtype == np.float32
    assert masks.area().shape == (0,) and masks.area().dtype == np.int64
    assert len(masks.best()) == len(masks.select([])) == len(masks.add_step("x")) == 0
    assert len(masks.with_rles([], "x")) == 0
    assert len(Masks.concat([masks, masks])) == 0
    assert len(Masks.concat([masks, two_squares_of((30, 40))])) == 1


def two_squares_of(hw: tuple[int, int]) -> Masks:
    return Masks.from_rle([RLE.empty(hw)], hw)


def test_one_pixel() -> None:
    masks = Masks.from_binary(np.ones((1, 1, 1), bool))
    assert masks.boxes().tolist() == [[0, 0, 1, 1]]
    assert masks.polygons()[0][0].area == 1


def test_with_rles_takes_the_place_of_the_best() -> None:
    masks = three_candidates()
    cleaned = masks.with_rles([RLE.empty(masks.hw)] * 2, "CleanMasks()")
    assert cleaned.logits is None and cleaned.num_candidates == 1
    assert cleaned.area().tolist() == [0, 0]
    assert cleaned.candidates.tolist() == [[2], [1]]
    assert cleaned.history[0] == ("Segment(model='nano')", "CleanMasks()")
    np.testing.assert_array_equal(cleaned.stability_scores(), cleaned.stability)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="one per object"):
        masks.with_rles([], "CleanMasks()")
    with pytest.raises(DataError, match=r"got a mask of \(3, 3\) for an image of \(30, 40\)"):
        masks.with_rles([RLE.empty((3, 3))] * 2, "CleanMasks()")


def test_concat() -> None:
    a, b = three_candidates(), three_candidates(1)
    joined = Masks.concat([a, b])
    assert len(joined) == 3 and joined.logits is not None
    assert joined.rle() == (*a.rle(), *b.rle())
    mixed = Masks.concat([a.best(), b.with_rles(b.rle(), "Clean()").replace(stability=None)])
    assert mixed.logits is None and mixed.rle() == joined.rle()
    assert mixed.stability is not None and np.isnan(mixed.stability[2, 0])
    assert mixed.history[2] == ("Segment(model='nano')", "Clean()")
    assert mixed.prompts.labels == ("cat",) * 3
    other_frame = Masks.concat([a, b.replace(frame=Frame.fit((30, 40), 128))])
    assert other_frame.logits is None
    with pytest.raises(DataError, match="at least one part"):
        Masks.concat([])
    with pytest.raises(DataError, match="different images"):
        Masks.concat([a, Masks.empty((3, 3))])
    with pytest.raises(DataError, match=r"take best\(\) of each part first"):
        Masks.concat([a, b.best()])


def test_stability_counts_inside_the_image_only() -> None:
    low = np.full((1, 1, 16, 16), -9.0, np.float32)
    low[0, 0, :4, :4] = 5  # sure
    low[0, 0, 4, :4] = 0.5  # changes with the threshold
    low[0, 0, 12:, :] = 9  # padding: 30 rows of 40 columns take 12 of 16 rows
    masks = three_candidates(1).best().replace(logits=torch.from_numpy(low))
    assert masks.stability_scores(offset=1.0).tolist() == [[pytest.approx(16 / 20)]]
    assert masks.stability_scores(offset=0.1).tolist() == [[1.0]]
    assert masks.replace(logits=torch.from_numpy(low - 100)).stability_scores().tolist() == [[0.0]]
    assert three_candidates().stability_scores().shape == (2, 3)
    with pytest.raises(DataError, match="compute it before logits are dropped"):
        two_squares().stability_scores()


def test_explain() -> None:
    masks = three_candidates().select([1], step="FilterMasks(min_iou=0.5)")
    masks = masks.with_prompts(
        Prompts(
            points=np.array([[[3, 4], [5, 6], [0, 0]]]),
            point_labels=np.array([[1, 0, -1]]),
            boxes=np.array([[0, 0, 9, 9]]),
            labels=("cat",),
            scores=np.array([0.25]),
            source=("Detector(x=1)",),
            text=np.ones((1, 4)),
        )
    )
    told = masks.explain(0)
    assert (told.candidate, told.label, told.source) == (1, "cat", "Detector(x=1)")
    assert told.prompt == "box (0, 0, 9, 9), foreground point (3, 4), background point (5, 6), a text"
    assert told.iou == pytest.approx(0.7) and told.score == 0.25 and told.stability == pytest.approx(0.6)
    assert str(told) == (
        "object 0: cat\n"
        "  prompted by Detector(x=1), with " + told.prompt + "\n"
        "  candidate   1 (ambiguous mask 1)\n"
        "  scores      predicted IoU 0.700, stability 0.600, detector 0.250\n"
        "  passed      Segment(model='nano') > FilterMasks(min_iou=0.5)"
    )


def test_explain_what_nobody_knows() -> None:
    told = two_squares().explain(-1)
    assert (told.index, told.iou, told.score, told.stability, told.label) == (1, None, None, None, None)
    assert "prompted by unknown" in str(told) and "passed      nothing yet" in str(told)
    with pytest.raises(DataError, match="object 2 is not there; there are 2"):
        two_squares().explain(2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"iou_scores": np.zeros(2, np.float32)}, r"iou_scores: got \(2,\), wanted \(n, c\)"),
        ({"logits": torch.zeros(2, 3, 16, 8)}, r"logits: got \(2, 3, 16, 8\), wanted \(2, 3, m, m\)"),
        ({"logits": torch.zeros(2, 3, 16, 16, dtype=torch.int32)}, "wanted floats"),
        ({"logits": None}, "got both or neither"),
        ({"logits": np.zeros((2, 3, 16, 16), np.float32)}, "torch.from_numpy makes it one"),
        ({"logits": None, "rles": ()}, "wanted 2 rows of 3 masks"),
        ({"stability": np.zeros((2, 1), np.float32)}, r"stability: got \(2, 1\), wanted \(2, 3\)"),
        ({"candidates": np.zeros((1, 3), np.int64)}, r"candidates: got \(1, 3\)"),
        ({"prompts": Prompts.empty()}, "prompts: got 0 for 2 objects"),
        ({"history": ()}, "history: got 0 for 2 objects"),
    ],
)
def test_what_does_not_fit_is_told_in_words(fields: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        three_candidates().replace(**fields)


def test_from_pixels_that_are_no_masks() -> None:
    with pytest.raises(DataError, match=r"got shape \(3, 3\), wanted \(n, height, width\)"):
        Masks.from_binary(np.zeros((3, 3), bool))


def test_nobody_can_change_a_value() -> None:
    masks = three_candidates()
    for value in (masks, pickle.loads(pickle.dumps(masks)), copy.deepcopy(masks)):
        with pytest.raises(ValueError, match="read-only"):
            value.iou_scores[0, 0] = 1
        assert value.rle() == masks.rle()
