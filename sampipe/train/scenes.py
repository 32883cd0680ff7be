"""Composed scenes: cut-outs of one image pasted onto another (copy-paste augmentation, Ghiasi et al. 2021).

A pasted object has a true mask by construction, stands before a background and in a light it was never seen in, and
hides part of the objects below it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

MAX_PASTED = 3
MIN_SIDE = 6  # mask pixels
LIGHT = (0.75, 1.3)
_LIFE = 10  # a cut-out serves for so many examples, times the bank's capacity


@dataclass(frozen=True)
class CutOut:
    """An object cropped to its box: ``pixels`` (2h, 2w, 3) and ``mask`` (h, w), at half the resolution."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def cut_out(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> CutOut | None:
    """The object of ``mask`` (h, w) in ``pixels`` (2h, 2w, 3); ``None`` where it is too small to be worth pasting."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if min(len(rows), len(columns)) < MIN_SIDE:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    part = pixels[2 * top : 2 * bottom, 2 * left : 2 * right].copy()
    return CutOut(part, mask[top:bottom, left:right].copy())


class CutOutBank:
    """Objects ready to be pasted, each of which is replaced by another from time to time.

    Which object lies in a slot while an example is made follows from the seed and the example's number alone, so
    an example does not depend on which were made before it, or by which worker.

    Args:
        capacity: slots; the bank holds at most so many objects.
        seed: of the objects.
        make: an object by a generator of its own, or ``None`` if it was not worth pasting.
    """

    def __init__(self, capacity: int, seed: int, make: Callable[[np.random.Generator], CutOut | None]) -> None:
        self._capacity, self._seed, self._make = capacity, seed, make
        self._slots: dict[int, tuple[int, CutOut | None]] = {}

    def draw(self, index: int, rng: np.random.Generator) -> CutOut | None:
        """A random object of the bank as it is at example ``index``."""
        slot = int(rng.integers(self._capacity))
        version = (index + slot * _LIFE) // (self._capacity * _LIFE)  # slots are renewed one after the other
        held = self._slots.get(slot)
        if held is None or held[0] != version:
            held = version, self._make(np.random.default_rng([self._seed, slot, version]))
            self._slots[slot] = held
        return held[1]


def paste(
    pixels: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    draw: Callable[[], CutOut | None],
    rng: np.random.Generator,
    *,
    content: tuple[int, int],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Paste one to three cut-outs.

    Args:
        pixels: (s, s, 3).
        masks: (k, s/2, s/2), at half the resolution of the pixels.
        draw: gives an object, or ``None``.
        rng: draws sizes, places and light.
        content: width and height, in mask pixels, of the part that is not padding.

    Returns:
        New pixels, and the masks with the hidden parts removed and the pasted objects appended.
    """
    pixels, masks = pixels.copy(), masks.copy()
    for _ in range(rng.integers(1, MAX_PASTED + 1)):
        drawn = draw()
        if drawn is None:
            continue
        item = _changed(drawn, rng, content)
        height, width = item.mask.shape
        top, left = rng.integers(content[1] - height + 1), rng.integers(content[0] - width + 1)
        placed = np.zeros(masks.shape[1:], dtype=bool)
        placed[top : top + height, left : left + width] = item.mask
        where = item.mask.repeat(2, axis=0).repeat(2, axis=1)
        target = pixels[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)]
        target[where] = item.pixels[where]
        masks = np.concatenate([masks & ~placed, placed[None]])
    return pixels, masks


def _changed(item: CutOut, rng: np.random.Generator, limit: tuple[int, int]) -> CutOut:
    """At a random size and light, mirrored or not."""
    scale, light = rng.uniform(0.5, 1.5), rng.uniform(*LIGHT)
    height, width = (
        int(np.clip(round(side * scale), min(MIN_SIDE, most), most))
        for side, most in zip(item.mask.shape, limit[::-1], strict=True)
    )
    resized = Pillow.fromarray(item.pixels).resize((2 * width, 2 * height), Pillow.Resampling.BILINEAR)
    pixels = np.clip(np.asarray(resized, dtype=np.float32) * light, 0, 255).astype(np.uint8)
    shape = np.asarray(Pillow.fromarray(item.mask).resize((width, height), Pillow.Resampling.NEAREST))
    return CutOut(pixels[:, ::-1], shape[:, ::-1]) if rng.random() < 0.5 else CutOut(pixels, shape)
