"""The interactive rounds, line by line of the paper, seen from the model that is asked."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from sampipe.models.sam import AMBIGUOUS_MASKS, SINGLE_MASK
from sampipe.train.interaction import InteractionConfig
from sampipe.train.losses import MaskLoss
from sampipe.train.rounds import Clicks, first_clicks, interact

PAPER = InteractionConfig()
SCALE = 4.0


def truth() -> Tensor:
    masks = torch.zeros(2, 16, 16)
    masks[0, 2:8, 2:8] = 1
    masks[1, 6:15, 4:12] = 1
    return masks


class Model:
    """Answers the left half; of several candidates the second says it is the best. Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Clicks] = []
        self.outputs: list[tuple[int, ...]] = []
        self.gain = torch.ones((), requires_grad=True)

    def __call__(self, clicks: Clicks, outputs: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        self.asked.append(clicks)
        self.outputs.append(outputs)
        logits = torch.full((2, len(outputs), 16, 16), -2.0)
        logits[..., :8] = 1.5
        logits = (logits + torch.arange(len(outputs)).view(1, -1, 1, 1) / 10) * self.gain
        says = torch.tensor([0.1, 0.9, 0.3]) if len(outputs) == 3 else torch.zeros(len(outputs))
        return logits, says.expand(2, -1)


def asked(with_box: bool, config: InteractionConfig = PAPER) -> tuple[Model, list[Tensor]]:
    model, generator = Model(), torch.Generator().manual_seed(1)
    first = first_clicks(truth(), SCALE, with_box=with_box, config=config, generator=generator)
    loss, ious = interact(model, first, truth(), scale=SCALE, config=config, mask_loss=MaskLoss(), generator=generator)
    assert loss.shape == (2,) and loss.requires_grad
    return model, ious


@pytest.mark.parametrize("with_box", [False, True])
def test_eleven_rounds_eight_corrections_and_two_rounds_without(with_box: bool) -> None:
    model, ious = asked(with_box)
    points = [clicks.points.shape[1] for clicks in model.asked]
    assert len(points) == len(ious) == 11
    assert points[0] == (0 if with_box else 1) and points[-1] == points[0] + 8
    added = [after - before for before, after in pairwise(points)]
    assert sorted(added) == [0, 0] + [1] * 8 and added[-1] == 0 and added[0] == 1 and added[-2] == 1
    assert all((clicks.boxes is not None) == with_box for clicks in model.asked)


@pytest.mark.parametrize("with_box", [False, True])
def test_one_prompt_teaches_three_masks_and_more_the_single_one(with_box: bool) -> None:
    model, _ = asked(with_box)
    assert model.outputs == [AMBIGUOUS_MASKS] + [SINGLE_MASK] * 10


def test_a_first_box_may_teach_the_single_mask_too() -> None:
    config = replace(PAPER, single_from_box=True)
    assert asked(True, config)[0].outputs[0] == SINGLE_MASK + AMBIGUOUS_MASKS
    assert asked(False, config)[0].outputs[0] == AMBIGUOUS_MASKS


def test_the_mask_that_says_it_is_best_goes_on_as_logits() -> None:
    model, _ = asked(False)
    assert model.asked[0].logits is None
    second = model.asked[1].logits
    assert second is not None and not second.requires_grad
    assert second.unique().tolist() == pytest.approx([-1.9, 1.6])  # the middle one, not thresholded
    third = model.asked[2].logits
    assert third is not None and third.unique().tolist() == pytest.approx([-2.0, 1.5])


def test_corrections_lie_in_the_error_and_say_which_kind_it_is() -> None:
    model, _ = asked(False)
    answer = torch.zeros(16, 16, dtype=torch.bool)
    answer[:, :8] = True
    last = model.asked[-1]
    for mask, points, labels in zip(truth() > 0, last.points, last.labels, strict=True):
        for (x, y), label in list(zip(points.tolist(), labels.tolist(), strict=True))[1:]:
            column, row = int((x + 0.5) / SCALE), int((y + 0.5) / SCALE)
            assert mask[row, column] != answer[row, column]
            assert label == int(mask[row, column])


def test_first_boxes_lie_around_the_objects() -> None:
    config = replace(PAPER, box_noise=0.0)
    clicks = first_clicks(truth(), SCALE, with_box=True, config=config)
    assert clicks.boxes is not None and clicks.boxes.tolist() == [[8, 8, 32, 32], [16, 24, 48, 60]]


def test_recomputing_changes_memory_only() -> None:
    gradients = []
    for recompute in (False, True):
        model, generator = Model(), torch.Generator().manual_seed(1)
        config = replace(PAPER, rounds=3, recompute=recompute)
        first = first_clicks(truth(), SCALE, with_box=False, config=config, generator=generator)
        loss, _ = interact(model, first, truth(), scale=SCALE, config=config, mask_loss=MaskLoss(), generator=generator)
        loss.sum().backward()
        gradients.append(model.gain.grad)
        assert len(model.asked) == (6 if recompute else 3)
    assert gradients[0] is not None and torch.equal(gradients[0], gradients[1])
