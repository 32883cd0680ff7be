"""The simulated annotator clicks where the paper says."""

from __future__ import annotations

import pytest
import torch

from sampipe.train.interaction import (
    InteractionConfig,
    correction_points,
    drawn_rounds,
    first_points,
    mask_boxes,
    noisy_boxes,
    random_pixel,
    silent_rounds,
    to_input,
)

PAPER = InteractionConfig()


def masks_with(*rectangles: tuple[int, int, int, int]) -> torch.Tensor:
    masks = torch.zeros(len(rectangles), 16, 24, dtype=torch.bool)
    for mask, (x0, y0, x1, y1) in zip(masks, rectangles, strict=True):
        mask[y0:y1, x0:x1] = True
    return masks


def test_few_rounds_are_drawn_more_often() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [drawn_rounds(InteractionConfig(rounds=3, rounds_vary=True), generator) for _ in range(2000)]
    shares = [drawn.count(count) / len(drawn) for count in (1, 2, 3)]
    assert shares == pytest.approx([36 / 49, 9 / 49, 4 / 49], abs=0.03)
    assert drawn_rounds(PAPER, generator) == 11


def test_boxes_are_tight_and_half_open() -> None:
    masks = masks_with((3, 2, 10, 9), (0, 0, 24, 16), (5, 5, 5, 5))
    assert mask_boxes(masks).tolist() == [[3, 2, 10, 9], [0, 0, 24, 16], [0, 0, 0, 0]]


def test_random_pixels_cover_the_region_evenly_and_nothing_else() -> None:
    masks = masks_with((4, 4, 6, 6)).expand(4000, -1, -1)
    xy = random_pixel(masks, torch.Generator().manual_seed(0))
    cells, counts = torch.unique(xy, dim=0, return_counts=True)
    assert cells.tolist() == [[4, 4], [4, 5], [5, 4], [5, 5]]
    assert counts.float().div(4000).tolist() == pytest.approx([0.25] * 4, abs=0.03)


def test_the_first_point_lies_in_the_object_in_input_pixels() -> None:
    points, labels = first_points(masks_with((4, 8, 5, 9)), scale=4)
    assert points.tolist() == [[[17.5, 33.5]]]  # the middle of the 4 x 4 input pixels 16..19 and 32..35
    assert labels.tolist() == [[1]]


def test_missed_pixels_get_foreground_clicks_and_spilled_ones_background() -> None:
    truth = masks_with((2, 2, 6, 6), (2, 2, 6, 6))
    missed = masks_with((2, 2, 6, 5), (0, 0, 0, 0))[:1]
    spilled = masks_with((2, 2, 6, 8))
    points, labels = correction_points(torch.cat([missed, spilled]), truth, scale=1)
    assert labels[:, 0].tolist() == [1, 0]
    assert 5 <= points[0, 0, 1] < 6 and 6 <= points[1, 0, 1] < 8


def test_a_perfect_answer_is_confirmed_inside_the_object() -> None:
    truth = masks_with((2, 2, 6, 6))
    points, labels = correction_points(truth, truth, scale=1)
    assert labels.tolist() == [[1]] and bool(((points >= 2) & (points < 6)).all())


def test_box_noise_is_a_tenth_of_the_side_and_at_most_twenty_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    small, large = torch.tensor([[400.0, 400, 500, 440]]), torch.tensor([[100.0, 100, 900, 900]])
    moved = noisy_boxes(small.expand(20_000, -1), 1024, PAPER, generator) - small
    assert moved.std(dim=0).tolist() == pytest.approx([9.6, 4.0, 9.6, 4.0], abs=0.1)  # 10 and 4, cut at 20
    assert (noisy_boxes(large.expand(2000, -1), 1024, PAPER, generator) - large).abs().max() == 20
    assert noisy_boxes(torch.tensor([[0.0, 0, 100, 100]]).expand(99, -1), 100, PAPER, generator).min() >= 0


def test_noise_that_varies_leaves_some_boxes_tight() -> None:
    generator = torch.Generator().manual_seed(0)
    box = torch.tensor([[400.0, 400, 500, 500]]).expand(20_000, -1)
    spread = (noisy_boxes(box, 1024, InteractionConfig(box_noise_varies=True), generator) - box).abs().mean(dim=1)
    assert (spread < 1).float().mean() == pytest.approx(0.125, abs=0.03)  # its mean is 8 px times 0..1
    assert ((noisy_boxes(box, 1024, PAPER, generator) - box).abs().mean(dim=1) < 1).float().mean() < 0.01


def test_of_eleven_rounds_one_among_the_corrections_and_the_last_are_silent() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [silent_rounds(11, generator) for _ in range(300)]
    assert all(len(rounds) == 2 and max(rounds) == 10 for rounds in drawn)
    assert {min(rounds) for rounds in drawn} == set(range(2, 9))  # after the first correction, before the last
    assert silent_rounds(4) == set() and silent_rounds(5) == {2, 4}


def test_centres_of_mask_pixels_in_the_encoders_convention() -> None:
    assert to_input(torch.tensor([[0, 1]]), 4).tolist() == [[1.5, 5.5]]
