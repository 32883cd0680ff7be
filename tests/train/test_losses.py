"""Losses against small cases worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from sampipe.train.losses import (
    MaskLoss,
    affinity_loss,
    dice_loss,
    focal_loss,
    interactive_loss,
    thresholded,
    true_iou,
)


def one_pixel(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


def test_focal_loss_of_one_undecided_pixel() -> None:
    # p = 0.5, so cross-entropy is ln 2 and (1 - p)^2 is 1/4; foreground weighs 1/4, background 3/4
    assert focal_loss(one_pixel(0.0), one_pixel(1.0)).item() == pytest.approx(0.25 * 0.25 * math.log(2))
    assert focal_loss(one_pixel(0.0), one_pixel(0.0)).item() == pytest.approx(0.75 * 0.25 * math.log(2))


def test_focal_loss_without_focus_is_half_the_cross_entropy() -> None:
    logits, target = torch.randn(2, 3, 4, 4), (torch.rand(2, 3, 4, 4) > 0.5).float()
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((-2, -1))
    torch.testing.assert_close(focal_loss(logits, target, gamma=0, alpha=0.5), plain / 2)


def test_dice_loss_of_two_pixels() -> None:
    # probabilities 1 and 0.5 against 1 and 0: overlap 2 * 1 + 1 over 1.5 + 1 + 1
    logits = torch.tensor([[[[40.0, 0.0]]]])
    target = torch.tensor([[[[1.0, 0.0]]]])
    assert dice_loss(logits, target).item() == pytest.approx(1 - 3 / 3.5)


def test_the_papers_proportion_is_twenty_to_one() -> None:
    logits, target = torch.randn(2, 3, 4, 4), (torch.rand(2, 3, 4, 4) > 0.5).float()
    torch.testing.assert_close(MaskLoss()(logits, target), 20 * focal_loss(logits, target) + dice_loss(logits, target))


def test_true_iou_counts_pixels_and_calls_two_empty_masks_equal() -> None:
    logits = torch.tensor([[[[1.0, 1.0, -1.0, -1.0]]], [[[-1.0, -1.0, -1.0, -1.0]]]])
    target = torch.tensor([[[[1.0, 0.0, 1.0, 0.0]]], [[[0.0, 0.0, 0.0, 0.0]]]])
    assert true_iou(logits, target).flatten().tolist() == pytest.approx([1 / 3, 1.0])


def test_only_the_best_candidate_is_taught_its_mask() -> None:
    target = torch.zeros(1, 1, 4, 4)
    target[..., :2] = 1
    good, bad = torch.where(target > 0, 2.0, -2.0), torch.where(target > 0, -2.0, 2.0)
    logits = torch.cat([bad, good, bad], dim=1).requires_grad_()
    loss, ious = interactive_loss(logits, torch.zeros(1, 3), target, MaskLoss())
    loss.sum().backward()
    assert logits.grad is not None
    assert [bool(grad.abs().sum() > 0) for grad in logits.grad[0]] == [False, True, False]
    assert ious.tolist() == [[0.0, 1.0, 0.0]]


def test_predicted_iou_is_taught_by_squared_error() -> None:
    target = torch.ones(1, 1, 2, 2)
    sure = torch.full((1, 1, 2, 2), 30.0)
    loss, _ = interactive_loss(sure, torch.tensor([[0.4]]), target, MaskLoss())
    assert loss.item() == pytest.approx(0.6**2, abs=1e-5)


def test_affinity_is_small_where_an_object_has_a_direction_of_its_own() -> None:
    masks = torch.zeros(2, 8, 8)
    masks[0, :4], masks[1, 4:] = 1, 1
    owner = torch.tensor([0, 0])
    apart = torch.zeros(1, 2, 4, 4)
    apart[:, 0, :2], apart[:, 1, 2:] = 3.0, 3.0
    alike = torch.ones(1, 2, 4, 4)
    good, bad = affinity_loss(apart, masks, owner), affinity_loss(alike, masks, owner)
    cross_entropy, dice = math.log1p(math.exp(-4)), 1 - (2 * 8 * 0.982 + 1) / (8 + 8 + 1)  # logits of 4 and -4
    assert good.item() == pytest.approx((cross_entropy + dice) / 2, abs=1e-3)
    assert bad > 5 * good


def test_only_the_predicted_iou_of_the_best_candidate_is_taught_unless_all_are_asked_for() -> None:
    target = torch.ones(1, 1, 2, 2)
    logits = torch.tensor([30.0, -30.0, -30.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    for every, taught in ((False, [True, False, False]), (True, [True, True, True])):
        iou = torch.full((1, 3), 0.5, requires_grad=True)
        loss, _ = interactive_loss(logits, iou, target, MaskLoss(every_iou=every))
        loss.sum().backward()
        assert iou.grad is not None and [bool(grad) for grad in iou.grad[0]] == taught
        assert loss.item() == pytest.approx(0.25, abs=1e-4)  # (1 - 0.5)², and the mean of three times 0.25


def test_an_object_too_thin_for_any_cell_keeps_its_best_cells() -> None:
    shares = torch.tensor([[[0.2, 0.4, 0.4]], [[0.6, 0.5, 0.4]], [[0.0, 0.0, 0.0]]])
    assert thresholded(shares).int().tolist() == [[[0, 1, 1]], [[1, 1, 0]], [[0, 0, 0]]]
