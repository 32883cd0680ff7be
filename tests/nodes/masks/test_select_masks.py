from __future__ import annotations

import numpy as np
import pytest
from drawings import candidates_of, mask, masks_of, rectangle

from sampipe import DataError, Masks, Prompts
from sampipe.nodes import FilterMasks, LargestMasks, MaskNMS, SelectCandidate

WHOLE, PART, SUBPART = mask("####", "####"), mask("##..", "##.."), mask("#...", "....")


def three_candidates(points: list[list[float]], labels: list[int]) -> Masks:
    prompts = Prompts.from_points([points], [labels])
    return candidates_of([[WHOLE, PART, SUBPART]], [[0.7, 0.9, 0.8]], prompts)


def test_select_by_predicted_iou() -> None:
    chosen = SelectCandidate()(three_candidates([[0, 0]], [1]))
    assert chosen.num_candidates == 1
    assert chosen.candidates.tolist() == [[2]]
    assert chosen.history == (("SelectCandidate()",),)


@pytest.mark.parametrize(("prefer", "candidate"), [("largest", 1), ("smallest", 3)])
def test_select_by_area(prefer: str, candidate: int) -> None:
    chosen = SelectCandidate(by="area", prefer=prefer)(three_candidates([[0, 0]], [1]))
    assert chosen.candidates.tolist() == [[candidate]]


@pytest.mark.parametrize(
    ("points", "labels", "candidate"),
    [
        ([[0.9, 0.9]], [1], 3),  # every candidate holds it: the smallest
        ([[1.5, 0.5]], [1], 2),
        ([[3.5, 1.5], [0, 0]], [1, 1], 1),
        ([[1, 1], [0, 0]], [1, 0], 2),  # none excludes (0, 0) and holds (1, 1): the highest predicted IoU
        ([[0, 0], [1, 0]], [1, 0], 3),
        ([[0, 0], [3, 1]], [1, -1], 3),  # padding is no point
        ([[4.0, 2.0]], [1], 1),  # on the far edge of the picture: the last pixel
    ],
)
def test_select_by_click(points: list[list[float]], labels: list[int], candidate: int) -> None:
    assert SelectCandidate(by="click")(three_candidates(points, labels)).candidates.tolist() == [[candidate]]


def test_select_by_click_without_clicks_takes_the_predicted_iou() -> None:
    masks = candidates_of([[WHOLE, PART, SUBPART]], [[0.7, 0.9, 0.8]], Prompts.from_boxes([[0, 0, 4, 2]]))
    assert SelectCandidate(by="click")(masks).candidates.tolist() == [[2]]


def test_select_says_what_it_knows() -> None:
    with pytest.raises(DataError, match="'iou', 'area', 'click'"):
        SelectCandidate(by="clip")


def test_largest_first() -> None:
    kept = LargestMasks(count=2)(masks_of([SUBPART, WHOLE, PART]))
    assert kept.area().tolist() == [8, 4]
    assert kept.history == (("LargestMasks(count=2)",),) * 2


def test_fewer_masks_than_wanted() -> None:
    assert len(LargestMasks(count=5)(masks_of([PART]))) == 1
    assert len(LargestMasks(count=5)(Masks.empty((2, 4)))) == 0
    with pytest.raises(DataError, match="a whole number, at least 1"):
        LargestMasks(count=0)


@pytest.mark.parametrize(
    ("limits", "areas"),
    [
        ({}, [8, 4, 1]),
        ({"min_iou": 0.8}, [4, 1]),
        ({"min_stability": 0.5}, [8, 4]),
        ({"min_area": 4}, [8, 4]),
        ({"max_area": 4}, [4, 1]),
        ({"min_score": 0.5}, [8]),
        ({"labels": ["cup", "pot"]}, [8, 1]),
        ({"min_area": 4, "labels": ["cup"]}, [8]),
    ],
)
def test_filter(limits: dict[str, object], areas: list[int]) -> None:
    masks = masks_of(
        [WHOLE, PART, SUBPART],
        ious=[0.7, 0.9, 0.8],
        stability=[0.9, 0.5, 0.1],
        labels=["cup", "spoon", "cup"],
        scores=[0.9, 0.2, np.nan],
    )
    assert FilterMasks(**limits)(masks).area().tolist() == areas


def test_filter_keeps_all_candidates_of_an_object() -> None:
    kept = FilterMasks(min_iou=0.85)(three_candidates([[0, 0]], [1]))
    assert kept.num_candidates == 3


def test_filter_takes_stability_from_logits() -> None:
    import torch

    logits = torch.full((2, 1, 4, 4), -5.0)
    logits[0, 0, :2] = 5.0
    logits[1, 0, :2] = 0.5  # gone at a threshold of 1
    masks = Masks.empty((16, 16))
    prompts = Prompts.from_boxes([[0, 0, 1, 1]] * 2)
    masks = Masks(frame=masks.frame, prompts=prompts, iou_scores=np.ones((2, 1)), logits=logits)
    assert FilterMasks(min_stability=0.5)(masks).iou_scores.shape == (1, 1)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"min_stability": 0.5}, "min_stability cannot be judged: these masks have no logits"),
        ({"min_score": 0.5}, "min_score cannot be judged: the prompts carry no scores"),
        ({"labels": ["cup"]}, "labels cannot be judged: the prompts carry no labels"),
    ],
)
def test_filter_says_what_it_cannot_judge(limits: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        FilterMasks(**limits)(masks_of([WHOLE]))
    assert len(FilterMasks(**limits)(Masks.empty((2, 4)))) == 0


def test_nms_by_mask_and_by_box() -> None:
    ring = mask("###", "#.#", "###")
    dot = mask("...", ".#.", "...")
    masks = masks_of([dot, ring, mask("###", "#.#", "##.")], ious=[0.5, 0.8, 0.9])
    assert MaskNMS(iou=0.7)(masks).area().tolist() == [7, 1]
    assert MaskNMS(iou=0.99)(masks).iou_scores[:, 0].tolist() == pytest.approx([0.9, 0.8, 0.5])
    assert MaskNMS(iou=0.1, on="box")(masks).area().tolist() == [7]


def test_nms_within_a_label() -> None:
    masks = masks_of([WHOLE, WHOLE, WHOLE], ious=[0.5, 0.9, 0.7], labels=["cup", "cup", "pot"])
    assert MaskNMS(within_label=True)(masks).prompts.labels == ("cup", "pot")
    assert MaskNMS()(masks).prompts.labels == ("cup",)


def test_nms_of_many_masks_is_quick() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 90, (600, 2))
    masks = masks_of([rectangle((100, 100), x, y, x + 10, y + 10) for x, y in corners], ious=rng.random(600).tolist())
    kept = MaskNMS(iou=0.3)(masks)
    assert 0 < len(kept) < 600
