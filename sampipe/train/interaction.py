"""The person who clicks, simulated (paper, appendix A "Training algorithm").

Everything works on a batch of n masks (n, h, w) on the model's device; coordinates are model-input pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

BOX_NOISE = 0.1  # standard deviation, as a share of the side
BOX_NOISE_LIMIT = 20.0  # input pixels
_CENTER = 0.5


def random_pixel(region: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """One pixel of each (h, w) region of (n, h, w), uniformly: (n, 2) integer x, y. Empty regions give (0, 0)."""
    draw = torch.rand(region.shape, generator=generator, device=region.device)
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


def noisy_boxes(boxes: Tensor, extent: float, generator: torch.Generator | None = None) -> Tensor:
    """Boxes with normal noise on each side: 10 % of the side's length, at most 20 pixels, inside the input."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    noise = torch.randn(boxes.shape, generator=generator, device=boxes.device) * sides * BOX_NOISE
    return (boxes + noise.clamp(-BOX_NOISE_LIMIT, BOX_NOISE_LIMIT)).clamp(0, extent)


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
