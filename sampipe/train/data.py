"""Training examples out of COCO-format folders: a square crop of a photo and the masks in it.

Examples are made in worker processes, for ever, in an order that the seed decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch.nn import functional as F
from torch.utils.data import IterableDataset, get_worker_info

from sampipe.errors import DataError
from sampipe.train.augment import jitter_colors
from sampipe.train.scenes import CutOutBank
from sampipe.types import RLE, Image
from sampipe.types.coco import Picture, read_coco

_PATIENCE = 1000
MAX_AREA_SHARE = 0.9  # the paper drops masks over 90 % of the image


@dataclass(frozen=True, kw_only=True)
class CropConfig:
    """How a photo becomes an example.

    Args:
        size: side of the square example in pixels.
        masks: how many masks of a crop are used at most.
        min_area: masks smaller than this, in pixels of the example, are dropped.
        native_size: the model's full input side. A crop of ``size`` is cut as if the whole photo had been resized to
            it, times a random zoom, so that small crops teach what full pictures will show.
        zoom: range of that random zoom, drawn log-uniformly.
        compose: share of the examples that get cut-outs of other photos pasted on.
    """

    size: int = 256
    masks: int = 8
    min_area: int = 64
    native_size: int = 512
    zoom: tuple[float, float] = (0.6, 2.0)
    compose: float = 0.4


@dataclass(frozen=True)
class Example:
    """One square example: ``pixels`` (3, s, s) uint8 and ``masks`` (k, s/4, s/4), each cell's covered share 0..1."""

    pixels: torch.Tensor
    masks: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """``pixels`` (b, 3, s, s) uint8, ``masks`` (n, s/4, s/4) covered shares, ``owner`` (n,) the image of each mask."""

    pixels: torch.Tensor
    masks: torch.Tensor
    owner: torch.Tensor


@dataclass
class ExampleStream(IterableDataset[Example]):
    """Endless examples from several folders.

    Args:
        folders: COCO folders, each with its share of the examples.
        crop: the making of an example.
        seed: decides everything, together with the worker's number.
    """

    folders: Sequence[tuple[Path, float]]
    crop: CropConfig = field(default_factory=CropConfig)
    seed: int = 0

    def __iter__(self) -> Iterator[Example]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        sources = [read_coco(path, min_area=self.crop.min_area) for path, _ in self.folders]
        shares = np.array([share for _, share in self.folders], dtype=float)
        bank = CutOutBank(capacity=64)
        empty = 0
        while empty < _PATIENCE:
            source = sources[rng.choice(len(sources), p=shares / shares.sum())]
            example = make_example(source[rng.integers(len(source))], self.crop, rng, bank)
            if len(example.masks):
                yield example
            empty = 0 if len(example.masks) else empty + 1
        raise DataError(
            f"{_PATIENCE} crops in a row held no mask of {self.crop.min_area} to {MAX_AREA_SHARE:.0%} of "
            f"{self.crop.size}² pixels. Use a larger size, a smaller zoom, or data with smaller objects."
        )


def collate(examples: Sequence[Example]) -> Batch:
    """Stack the pictures, string the masks together."""
    owner = [torch.full((len(example.masks),), index) for index, example in enumerate(examples)]
    return Batch(
        pixels=torch.stack([example.pixels for example in examples]),
        masks=torch.cat([example.masks for example in examples]),
        owner=torch.cat(owner),
    )


def make_example(picture: Picture, crop: CropConfig, rng: np.random.Generator, bank: CutOutBank) -> Example:
    """Crop around a random object, flip, paste, jitter the colours, and choose the masks."""
    window = _choose_window(picture, crop, rng)
    photo = Image.open(picture.path).to_pil()  # turned as its EXIF says, as the masks are
    pixels = np.asarray(_cut(photo, window, crop.size, Pillow.Resampling.BILINEAR))
    masks = _cut_masks([item.mask for item in picture.objects], window, crop, rng)
    flip = bool(rng.random() < 0.5)
    if flip:
        pixels, masks = pixels[:, ::-1], masks[:, :, ::-1]
    masks = _worth_keeping(masks, crop)
    bank.remember(pixels, masks, rng)
    if rng.random() < crop.compose:
        pixels, masks = bank.paste(pixels, masks, rng)
        masks = _worth_keeping(masks, crop)
    chosen = rng.permutation(len(masks))[: crop.masks]
    return Example(
        pixels=jitter_colors(torch.from_numpy(np.array(pixels)).permute(2, 0, 1), rng),
        masks=_covered_share(torch.from_numpy(masks[chosen])),
    )


def _covered_share(masks: torch.Tensor) -> torch.Tensor:
    """Masks (k, 2m, 2m) at the resolution of the model's logits: how much of each cell they cover, (k, m, m)."""
    return F.avg_pool2d(masks[:, None].float(), 2)[:, 0]


def _choose_window(picture: Picture, crop: CropConfig, rng: np.random.Generator) -> tuple[float, float, float]:
    """Left, top and side of a square window around a random object, in photo pixels."""
    item = picture.objects[rng.integers(len(picture.objects))]
    height, width = item.mask.hw
    longest = max(height, width)
    low, high = (math.log(value) for value in crop.zoom)
    zoom = math.exp(rng.uniform(low, high))
    side = max(min(longest * crop.size / (crop.native_size * zoom), longest), 32.0)
    x0, y0, x1, y1 = item.mask.box
    center = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + rng.uniform(-0.3, 0.3, 2) * side
    left, top = (max(0.0, min(c - side / 2, extent - side)) for c, extent in zip(center, (width, height), strict=True))
    return left, top, side


def _cut(picture: Pillow.Image, window: tuple[float, float, float], size: int, how: int) -> Pillow.Image:
    """The window as a ``size`` square; what lies beyond the photo's right or bottom edge is black."""
    left, top, side = window
    right, bottom = min(left + side, picture.width), min(top + side, picture.height)
    scale = size / side
    content = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    resized = picture.resize(content, Pillow.Resampling(how), box=(left, top, right, bottom))
    if content == (size, size):
        return resized
    canvas = Pillow.new(picture.mode, (size, size))
    canvas.paste(resized, (0, 0))
    return canvas


def _cut_masks(
    rles: Sequence[RLE], window: tuple[float, float, float], crop: CropConfig, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """The masks that meet the window, (k, s/2, s/2); at most a few times more than an example keeps."""
    left, top, side = window
    half = crop.size // 2
    meets = [r for r in rles if _overlap(r.box, (left, top, left + side, top + side)) > 0]
    limit = 3 * crop.masks
    chosen = [meets[i] for i in rng.permutation(len(meets))[:limit]]
    cut = [
        np.asarray(_cut(Pillow.fromarray(r.decode().view(np.uint8) * 255), window, half, Pillow.Resampling.BOX)) > 127
        for r in chosen
    ]
    return np.stack(cut) if cut else np.zeros((0, half, half), dtype=bool)


def _overlap(box: NDArray[np.float32], window: tuple[float, float, float, float]) -> float:
    width = min(box[2], window[2]) - max(box[0], window[0])
    height = min(box[3], window[3]) - max(box[1], window[1])
    return max(0.0, float(width)) * max(0.0, float(height))


def _worth_keeping(masks: NDArray[np.bool_], crop: CropConfig) -> NDArray[np.bool_]:
    areas = masks.sum(axis=(1, 2))
    total = masks.shape[1] * masks.shape[2]
    return masks[(areas * 4 >= crop.min_area) & (areas <= MAX_AREA_SHARE * total)]
