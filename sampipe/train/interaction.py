"""The person who clicks, simulated (paper, appendix A "Training algorithm").

Everything works on a batch of n masks (n, h, w) on the model's device; coordinates are model-input pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_CENTER = 0.5
_SILENT_FROM = 5  # rounds; fewer leave no two corrections for a silent round to lie between


@dataclass(frozen=True, kw_only=True)
class InteractionConfig:
    """How an object is prompted; the defaults are the paper's.

    Args:
        rounds: prompts an object: the first, corrections, and, of five rounds or more, two that add no point.
        rounds_vary: draw the number of each batch's rounds between 1 and ``rounds``, k being 1 / k² as likely as 1:
            most use is one prompt, and a round costs time.
        box_noise: standard deviation of each side of a box, as a share of its length.
        box_noise_limit: the most that a side moves, in input pixels.
        box_noise_varies: draw the noise of each object between 0 and ``box_noise``, so that tight boxes, as detectors
            give them, are seen as well.
        single_from_box: let a first box teach the single mask as well as the three. To the paper a lone box is
            ambiguous; those who use one want the one mask.
        recompute: keep the decoder's activations of one round only and compute the others again for the gradient.
            Needs a third more time and, of eleven rounds, a tenth of the memory.
    """

    rounds: int = 11
    rounds_vary: bool = False
    box_noise: float = 0.1
    box_noise_limit: float = 20.0
    box_noise_varies: bool = False
    single_from_box: bool = False
    recompute: bool = False


def drawn_rounds(config: InteractionConfig, generator: torch.Generator | None = None) -> int:
    """How many rounds a batch of objects gets."""
    if not config.rounds_vary:
        return config.rounds
    device = None if generator is None else generator.device
    chances = torch.arange(1, config.rounds + 1, device=device, dtype=torch.float32) ** -2
    return 1 + int(torch.multinomial(chances, 1, generator=generator))


def silent_rounds(rounds: int, generator: torch.Generator | None = None) -> set[int]:
    """Numbers of the rounds, from 0, that add no point: one at a random place among the corrections, and the last.

    Fewer than five rounds have none.
    """
    if rounds < _SILENT_FROM:
        return set()
    device = None if generator is None else generator.device
    between = torch.randint(2, rounds - 2, (), generator=generator, device=device)
    return {int(between), rounds - 1}


def random_pixel(region: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """One pixel of each (h, w) region of (n, h, w), uniformly: (n, 2) integer x, y. Empty regions give (0, 0)."""
    draw = 1 - torch.rand(region.shape, generator=generator, device=region.device)  # over 0, as the outside is 0
    best = (draw * region).flatten(1).argmax(dim=1)
    width = region.shape[-1]
    return torch.stack([best % width, best // width], dim=1)


def mask_boxes(masks: Tensor) -> Tensor:
    """Half-open boxes (n, 4) xyxy of boolean masks (n, h, w); an empty mask gives zeros."""

    def extent(hit: Tensor) -> tuple[Tensor, Tensor]:
        length = hit.shape[1]
        first = hit.float().argmax(dim=1)
        last = length - hit.flip(1).float().argmax(dim=1)
        seen = hit.any(dim=1)
        return first * seen, last * seen

    left, right = extent(masks.any(dim=1))
    top, bottom = extent(masks.any(dim=2))
    return torch.stack([left, top, right, bottom], dim=1).float()


def noisy_boxes(
    boxes: Tensor, extent: float, config: InteractionConfig, generator: torch.Generator | None = None
) -> Tensor:
    """Boxes (n, 4) with normal noise on each coordinate, inside the ``extent`` pixels wide input."""

    def draw(sample: Callable[..., Tensor], width: int) -> Tensor:
        return sample(len(boxes), width, generator=generator, device=boxes.device)

    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    deviation = config.box_noise * sides
    if config.box_noise_varies:
        deviation = deviation * draw(torch.rand, 1)
    noise = (draw(torch.randn, 4) * deviation).clamp(-config.box_noise_limit, config.box_noise_limit)
    return (boxes + noise).clamp(0, extent)


def first_points(masks: Tensor, scale: float, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """A foreground point anywhere in each mask: (n, 1, 2) input pixels and (n, 1) labels.

    Args:
        masks: (n, h, w) boolean.
        scale: input pixels per mask pixel.
    """
    xy = random_pixel(masks, generator)
    return to_input(xy, scale)[:, None], torch.ones(len(masks), 1, dtype=torch.long, device=masks.device)


def correction_points(
    answers: Tensor, masks: Tensor, scale: float, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """A click where the answer is wrong: foreground where it misses the object, background where it spills.

    Where the answer has no error, the click falls into the object and confirms it.

    Args:
        answers: (n, h, w) boolean predictions.
        masks: (n, h, w) boolean truth.
        scale: input pixels per mask pixel.

    Returns:
        (n, 1, 2) input pixels and (n, 1) labels.
    """
    wrong = answers != masks
    region = torch.where(wrong.flatten(1).any(dim=1)[:, None, None], wrong, masks)
    xy = random_pixel(region, generator)
    labels = masks[torch.arange(len(masks), device=masks.device), xy[:, 1], xy[:, 0]].long()
    return to_input(xy, scale)[:, None], labels[:, None]


def to_input(xy: Tensor, scale: float) -> Tensor:
    """Centres of mask pixels, as input pixels in the prompt encoder's convention (it adds the half itself)."""
    return (xy.float() + _CENTER) * scale - _CENTER
