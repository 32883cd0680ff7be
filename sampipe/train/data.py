"""Training examples as values: one image with masks, a batch of them, and the numbers of those that make a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor
from torch.utils.data import Sampler

from sampipe.errors import SampipeError


@dataclass(frozen=True)
class Example:
    """One square example.

    Args:
        pixels: (3, s, s) uint8.
        masks: (k, s/4, s/4), each cell's covered share 0..1.
        content: height and width of the part that is not padding, in pixels.
        key: the same for examples of the same pixels, where those are repeated.
        names: of what the masks show, where the data have names.
    """

    pixels: Tensor
    masks: Tensor
    content: tuple[int, int]
    key: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why an example could not be made: a worker's exceptions reach the trainer without their words."""

    message: str


@dataclass(frozen=True)
class Batch:
    """Examples together.

    Args:
        pixels: (b, 3, s, s) uint8.
        masks: (n, s/4, s/4) covered shares.
        owner: (n,) the image of each mask.
        content: (b, 2) height and width of the part that is not padding.
        keys: of each image, see :class:`Example`.
        names: of each mask, where the data have names.
    """

    pixels: Tensor
    masks: Tensor
    owner: Tensor
    content: Tensor
    keys: tuple[str | None, ...]
    names: tuple[str, ...] = ()

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        pixels, masks, owner, content = (
            value.to(device, non_blocking=True) for value in (self.pixels, self.masks, self.owner, self.content)
        )
        return Batch(pixels, masks, owner, content, self.keys, self.names)

    def inside(self) -> Tensor:
        """1 where a pixel belongs to the image and 0 in the padding, (b, 1, s, s)."""
        ticks = torch.arange(self.pixels.shape[-1], device=self.pixels.device)
        rows, columns = (ticks < self.content[:, axis, None] for axis in (0, 1))
        return (rows[:, None, :, None] & columns[:, None, None, :]).float()


def attempt(make: Callable[[], Example]) -> Example | Failure:
    """The example, or why there is none."""
    try:
        return make()
    except (SampipeError, OSError) as error:
        return Failure(str(error))


def collate(examples: Sequence[Example | Failure]) -> Batch | Failure:
    """Stack the images, string the masks together; a failure among them is handed on."""
    good = [example for example in examples if isinstance(example, Example)]
    if len(good) < len(examples):
        return next(example for example in examples if isinstance(example, Failure))
    owner = [torch.full((len(example.masks),), index) for index, example in enumerate(good)]
    return Batch(
        pixels=torch.stack([example.pixels for example in good]),
        masks=torch.cat([example.masks for example in good]),
        owner=torch.cat(owner),
        content=torch.tensor([example.content for example in good]),
        keys=tuple(example.key for example in good),
        names=tuple(name for example in good for name in example.names),
    )


class MicroBatches(Sampler[list[int]]):
    """The numbers of the examples of each micro-batch, for ever.

    Micro-batches are numbered through all steps, accumulations and processes, so the same examples train a model
    however many processes share them.

    Args:
        size: examples of a micro-batch.
        start: the first micro-batch of this process.
        every: how many processes there are.
    """

    def __init__(self, size: int, *, start: int, every: int) -> None:
        self._size, self._start, self._every = size, start, every

    def __iter__(self) -> Iterator[list[int]]:
        for number in count(self._start, self._every):
            yield list(range(number * self._size, (number + 1) * self._size))
