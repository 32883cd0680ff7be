"""Clips with a known truth: cut-outs of scikit-image's photos that move over a texture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

import sampipe as sp

Path = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class CutOut:
    """An ellipse out of a photo; ``path`` gives its top left corner at a time from 0 to 1."""

    label: str
    pixels: np.ndarray
    mask: np.ndarray
    path: Path
    seen: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Scene:
    """A frame, and the visible part of each cut-out in it, by number."""

    image: sp.Image
    masks: dict[int, np.ndarray]


def cut_out(
    label: str,
    sample: str,
    box: tuple[int, int, int, int],
    path: Path,
    *,
    step: int = 1,
    seen: tuple[float, float] = (0, 1),
) -> CutOut:
    x0, y0, x1, y1 = box
    pixels = sp.Image.open(f"sample:{sample}").pixels[y0:y1:step, x0:x1:step]
    height, width = pixels.shape[:2]
    ys, xs = np.mgrid[:height, :width] + 0.5
    return CutOut(label, pixels, (xs / width * 2 - 1) ** 2 + (ys / height * 2 - 1) ** 2 < 1, path, seen)


def line(start: tuple[float, float], end: tuple[float, float]) -> Path:
    return lambda now: (start[0] + (end[0] - start[0]) * now, start[1] + (end[1] - start[1]) * now)


def clip(objects: Sequence[CutOut], frames: int, hw: tuple[int, int]) -> Iterator[Scene]:
    """The frames, one by one; later objects are in front of earlier ones."""
    ground = texture(hw)
    for number in range(frames):
        now = number / max(frames - 1, 1)
        picture, masks = ground.copy(), dict[int, np.ndarray]()
        for index, one in enumerate(objects):
            if one.seen[0] <= now <= one.seen[1]:
                _put(one, now, picture, masks, index)
        yield Scene(sp.Image.from_array(picture), masks)


def _put(one: CutOut, now: float, picture: np.ndarray, masks: dict[int, np.ndarray], index: int) -> None:
    x, y = (round(value) for value in one.path(now))
    height, width = one.mask.shape
    top, bottom = max(y, 0), min(y + height, picture.shape[0])
    left, right = max(x, 0), min(x + width, picture.shape[1])
    if top >= bottom or left >= right:
        return
    window, part = np.s_[top:bottom, left:right], np.s_[top - y : bottom - y, left - x : right - x]
    inside = one.mask[part]
    picture[window][inside] = one.pixels[part][inside]
    for behind in masks.values():
        behind[window] &= ~inside
    masks[index] = np.zeros(picture.shape[:2], bool)
    masks[index][window] = inside


def texture(hw: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(0)
    noise = sum(ndimage.gaussian_filter(rng.normal(size=(*hw, 3)), (s, s, 0)) * s for s in (1, 4, 16))
    return np.clip(105 + 22 * noise / np.std(noise), 0, 255).astype(np.uint8)


def box_of(mask: np.ndarray) -> list[int]:
    ys, xs = np.nonzero(mask)
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


@dataclass(frozen=True)
class Account:
    """How a tracker did on a clip: IoU of each visible object, and the ids that it had, frame by frame."""

    ious: list[float]
    ids: dict[int, list[int]]

    @property
    def switches(self) -> int:
        """How often an object went on under another id."""
        known = ([number for number in ids if number > 0] for ids in self.ids.values())
        return sum(a != b for numbers in known for a, b in pairwise(numbers))

    @property
    def shared(self) -> int:
        """Ids that more than one object had."""
        had = Counter(number for ids in self.ids.values() for number in set(ids) if number > 0)
        return sum(count > 1 for count in had.values())


def account(scenes: Iterable[Scene], found: Iterable[sp.Masks], *, least_pixels: int = 150) -> Account:
    """Each object that is in sight has the mask that overlaps it most; its id counts from an IoU of 0.3 on."""
    ious: list[float] = []
    ids: dict[int, list[int]] = {}
    for scene, masks in zip(scenes, found, strict=True):
        pixels, numbers = masks.binary(), masks.prompts.track_ids
        for index, truth in scene.masks.items():
            if truth.sum() < least_pixels:
                continue
            overlaps = [iou(mask, truth) for mask in pixels]
            best = int(np.argmax(overlaps)) if overlaps else -1
            ious.append(overlaps[best] if overlaps else 0.0)
            assert numbers is not None
            ids.setdefault(index, []).append(int(numbers[best]) if overlaps and overlaps[best] > 0.3 else 0)
    return Account(ious, ids)
