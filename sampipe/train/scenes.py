"""Composed scenes: cut-outs of one photo pasted onto another (copy-paste augmentation, Ghiasi et al. 2021).

A pasted object has a true mask by construction, stands before a background it was never seen with, and hides part of
the objects below it.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

MAX_PASTED = 3
_MIN_SIDE = 12


class CutOutBank:
    """The last few objects that went by, ready to be pasted.

    Args:
        capacity: how many cut-outs are remembered.
    """

    def __init__(self, capacity: int) -> None:
        self._cut_outs: deque[tuple[NDArray[np.uint8], NDArray[np.bool_]]] = deque(maxlen=capacity)

    def remember(self, pixels: NDArray[np.uint8], masks: NDArray[np.bool_], rng: np.random.Generator) -> None:
        """Keep one object of this example: its pixels and its mask, cropped to its box."""
        if not len(masks):
            return
        mask = masks[rng.integers(len(masks))]
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        if min(bottom - top, right - left) * 2 >= _MIN_SIDE:
            cut = pixels[2 * top : 2 * bottom, 2 * left : 2 * right].copy()
            self._cut_outs.append((cut, mask[top:bottom, left:right].copy()))

    def paste(
        self, pixels: NDArray[np.uint8], masks: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Paste up to three remembered objects.

        Args:
            pixels: (s, s, 3).
            masks: (k, s/2, s/2), at half the resolution of the pixels.

        Returns:
            New pixels, and the masks with the hidden parts removed and the pasted objects appended.
        """
        pixels, masks = pixels.copy(), masks.copy()
        for _ in range(rng.integers(1, MAX_PASTED + 1) if self._cut_outs else 0):
            cut, mask = self._resized(rng, limit=masks.shape[1])
            height, width = mask.shape
            top = rng.integers(masks.shape[1] - height + 1)
            left = rng.integers(masks.shape[2] - width + 1)
            placed = np.zeros(masks.shape[1:], dtype=bool)
            placed[top : top + height, left : left + width] = mask
            where = mask.repeat(2, axis=0).repeat(2, axis=1)
            target = pixels[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)]
            target[where] = cut[where]
            masks = np.concatenate([masks & ~placed, placed[None]])
        return pixels, masks

    def _resized(self, rng: np.random.Generator, limit: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """A remembered object at a random size and mirrored or not; pixels are twice the mask's size."""
        cut, mask = self._cut_outs[rng.integers(len(self._cut_outs))]
        scale = rng.uniform(0.5, 1.5)
        height, width = (int(np.clip(round(side * scale), _MIN_SIDE // 2, limit)) for side in mask.shape)
        pixels = np.asarray(Pillow.fromarray(cut).resize((2 * width, 2 * height), Pillow.Resampling.BILINEAR))
        shape = np.asarray(Pillow.fromarray(mask).resize((width, height), Pillow.Resampling.NEAREST))
        return (pixels[:, ::-1], shape[:, ::-1]) if rng.random() < 0.5 else (pixels, shape)
