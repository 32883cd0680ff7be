"""Making examples: a square part of an image and the masks in it.

Example ``index`` follows from the seed and its number alone, so the order of examples is the same with any number of
worker processes, machines and resumptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch.nn import functional as F
from torch.utils.data import Dataset

from sampipe.data.annotated import AnnotatedImage
from sampipe.errors import DataError
from sampipe.train.augment import jitter_colors
from sampipe.train.crops import Window, choose_window, cut, cut_mask
from sampipe.train.data import Example, Failure, attempt
from sampipe.train.image_cache import ImageCache
from sampipe.train.order import Order
from sampipe.train.scenes import CutOut, CutOutBank, cut_out, paste
from sampipe.train.sources import MaskDataset

MAX_AREA_SHARE = 0.9  # the paper drops masks over 90 % of the image
_PATIENCE = 1000
_EXAMPLES, _CUT_OUTS = range(2)  # streams of random numbers


@dataclass(frozen=True, kw_only=True)
class CropConfig:
    """How an image becomes an example; the defaults are the paper's: the whole image as it is.

    Args:
        size: side of the square example in pixels.
        masks: how many masks of an example are used at most.
        min_area: masks smaller than this, in pixels of the example, are dropped.
        native_size: the model's full input side. A crop of ``size`` is cut as if the whole image had been resized to
            it, times a random zoom, so that small crops teach what full images will show.
        zoom: range of that random zoom, drawn log-uniformly.
        stretch: half of the crops have their aspect changed by up to exp(±stretch) in x and the inverse in y.
        flip: mirror half of the examples.
        jitter: change colors.
        compose: share of the examples that get cut-outs of other images pasted on.
        cut_outs: how many objects wait to be pasted.
    """

    size: int = 1024
    masks: int = 64
    min_area: int = 64
    native_size: int = 1024
    zoom: tuple[float, float] = (1.0, 1.0)
    stretch: float = 0.0
    flip: bool = False
    jitter: bool = False
    compose: float = 0.0
    cut_outs: int = 200

    @property
    def repeats(self) -> bool:
        """Whether an image gives the same pixels each time, but for being mirrored."""
        plain = self.size == self.native_size and self.zoom == (1.0, 1.0) and not self.stretch
        return plain and not self.jitter and not self.compose


class Examples(Dataset["Example | Failure"]):
    """Endless examples by number.

    Args:
        sources: each with its share of the examples.
        crop: the making of an example.
        seed: decides everything, together with an example's number.
        image_bytes: decoded images that each worker may keep, in bytes.
        limit: repeat the first so many examples, to see whether a setting can learn at all.

    Raises:
        DataError: a share is not a positive number.
    """

    def __init__(
        self,
        sources: Sequence[tuple[MaskDataset, float]],
        crop: CropConfig,
        seed: int,
        *,
        image_bytes: int = 0,
        limit: int | None = None,
    ) -> None:
        self._sources = [source for source, _ in sources]
        self._order = Order(sources, seed)
        self._crop, self._seed, self._limit = crop, seed, limit
        self._images = ImageCache(image_bytes)
        self._bank = CutOutBank(crop.cut_outs, self._stream_seed(_CUT_OUTS), self._cut_out)

    def __getitem__(self, index: int) -> Example | Failure:
        return attempt(lambda: self.make(index))

    def make(self, index: int) -> Example:
        """Example ``index``.

        Raises:
            DataError: an image cannot be read, or no crop holds a mask that may be kept.
        """
        index = index if self._limit is None else index % self._limit
        rng = np.random.default_rng([self._seed, _EXAMPLES, index])
        source, number = self._order.turn(index, rng)
        for _ in range(_PATIENCE):
            annotated = self._sources[source].image(number)
            example = self._example(annotated, f"{source}/{number}", index, rng) if annotated.objects else None
            if example is not None:
                return example
            source, number = self._order.any(rng)
        raise DataError(
            f"{_PATIENCE} crops in a row held no mask of {self._crop.min_area} px² to {MAX_AREA_SHARE:.0%} of the "
            f"image at {self._crop.size} x {self._crop.size}. Use a larger size, a smaller zoom, or data with "
            "objects of another size."
        )

    def _example(self, annotated: AnnotatedImage, name: str, index: int, rng: np.random.Generator) -> Example | None:
        crop = self._crop
        window = self._window(annotated, rng)
        image = self._opened(annotated)
        pixels = np.asarray(cut(image, window, crop.size, Pillow.Resampling.BILINEAR))
        masks, names = self._masks(annotated, window, rng, crop.masks)
        wide, high = window.content(image.size, crop.size)
        if crop.compose and rng.random() < crop.compose:
            half = max(1, wide // 2), max(1, high // 2)
            pixels, masks = paste(pixels, masks, lambda: self._bank.draw(index, rng), rng, content=half)
            masks = masks[[self._fits(mask, window, image.size) for mask in masks]]
            names = []  # what is pasted has none
        if not len(masks):
            return None
        mirrored = crop.flip and bool(rng.random() < 0.5)
        if mirrored:  # within the image, so that the padding stays at the right
            pixels = _mirrored(pixels, wide, axis=1)
            masks = _mirrored(masks, window.content(image.size, masks.shape[2])[0], axis=2)
        chosen = rng.permutation(len(masks))[: crop.masks]
        tensor = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
        return Example(
            pixels=jitter_colors(tensor, rng) if crop.jitter else tensor,
            masks=F.avg_pool2d(torch.from_numpy(np.array(masks[chosen]))[:, None].float(), 2)[:, 0],
            content=(high, wide),
            key=f"{name}/{mirrored}" if crop.repeats else None,
            names=tuple(names[i] for i in chosen) if names else (),
        )

    def _window(self, annotated: AnnotatedImage, rng: np.random.Generator) -> Window:
        crop = self._crop
        relative = crop.size / crop.native_size
        return choose_window(annotated, rng, relative=relative, zoom=crop.zoom, stretch=crop.stretch)

    def _opened(self, annotated: AnnotatedImage) -> Pillow.Image:
        image = self._images.open(annotated.path)
        height, width = annotated.objects[0].mask.hw
        if image.size != (width, height):
            raise DataError(
                f"{annotated.path}: the image is {image.size[0]} x {image.size[1]}, its masks {width} x {height} "
                "(width x height)"
            )
        return image

    def _masks(
        self, annotated: AnnotatedImage, window: Window, rng: np.random.Generator, most: int
    ) -> tuple[NDArray[np.bool_], list[str]]:
        """Random masks that may be kept, (k, s/2, s/2), at most so many, and their names."""
        half = self._crop.size // 2
        height, width = annotated.objects[0].mask.hw
        kept: list[NDArray[np.bool_]] = []
        names: list[str] = []
        for number in rng.permutation(len(annotated.objects)):
            mask = annotated.objects[number].mask
            if window.meets(mask.box):
                found = cut_mask(mask, window, half)
                if self._fits(found, window, (width, height)):
                    kept.append(found)
                    names.append(annotated.objects[number].category)
            if len(kept) == most:
                break
        return np.stack(kept) if kept else np.zeros((0, half, half), dtype=bool), names

    def _fits(self, mask: NDArray[np.bool_], window: Window, wh: tuple[int, int]) -> bool:
        wide, high = window.content(wh, mask.shape[1])
        area = int(mask.sum())
        return area > 0 and self._crop.min_area <= 4 * area and area <= MAX_AREA_SHARE * wide * high

    def _cut_out(self, rng: np.random.Generator) -> CutOut | None:
        source, number = self._order.any(rng)
        annotated = self._sources[source].image(number)
        if not annotated.objects:
            return None
        window = self._window(annotated, rng)
        masks, _ = self._masks(annotated, window, rng, 1)
        if not len(masks):
            return None
        pixels = np.asarray(cut(self._opened(annotated), window, self._crop.size, Pillow.Resampling.BILINEAR))
        return cut_out(pixels, masks[0])

    def _stream_seed(self, stream: int) -> int:
        return int(np.random.SeedSequence([self._seed, stream]).generate_state(1)[0])


def _mirrored(values: NDArray[Any], width: int, axis: int) -> NDArray[Any]:
    """``values`` with the first ``width`` entries of an axis in reverse order."""
    order = np.arange(values.shape[axis])
    order[:width] = order[:width][::-1]
    return np.take(values, order, axis=axis)
