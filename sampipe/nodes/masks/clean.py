"""Masks made tidy: holes filled, islands dropped."""

from __future__ import annotations

import numpy as np

from sampipe.graph import Node
from sampipe.nodes._limits import Number
from sampipe.types import RLE, Masks


class CleanMasks(Node):
    """Small holes filled and small islands dropped (paper, appendix B "Postprocessing").

    Connectivity is 8 for both. Of a mask that is nothing but small islands the largest one stays.

    Args:
        max_hole: holes of fewer pixels than this are filled; 0 leaves all.
        min_island: islands of fewer pixels than this are dropped; 0 leaves all.

    Raises:
        DataError: not whole numbers from 0 up.
    """

    max_hole: Number = 100
    min_island: Number = 100

    def run(self, masks: Masks) -> Masks:
        rles = [clean_mask(rle, self.max_hole, self.min_island) for rle in masks.best().rle()]
        return masks.best().with_rles(rles, step=self.describe())


def clean_mask(rle: RLE, max_hole: int, min_island: int) -> RLE:
    """One mask without holes and islands below these many pixels; ``rle`` itself if there were none."""
    crop, offset = crop_of(rle)
    cleaned = _without_small_parts(_with_holes_filled(crop, max_hole), min_island)
    return rle if (cleaned == crop).all() else RLE.from_mask(cleaned).place(offset, rle.hw)


def crop_of(rle: RLE) -> tuple[np.ndarray, tuple[int, int]]:
    """The mask inside its tight box, bool, at least 1×1, and where the box begins (x, y)."""
    x0, y0 = (int(side) for side in rle.box[:2])
    return rle.window() if rle.area else np.zeros((1, 1), bool), (x0, y0)


def _components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label image (0 = not in the mask) and pixels of each label, [0] being the outside."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    return labels, np.bincount(labels.ravel())


def _with_holes_filled(mask: np.ndarray, below: int) -> np.ndarray:
    if below == 0:
        return mask
    # A border lets everything that reaches the edge of the crop be one outside, which is never a hole.
    labels, sizes = _components(np.pad(~mask, 1, constant_values=True))
    small = sizes < below
    small[[0, labels[0, 0]]] = False
    return mask | small[labels][1:-1, 1:-1]


def _without_small_parts(mask: np.ndarray, below: int) -> np.ndarray:
    labels, sizes = _components(mask)
    if below == 0 or len(sizes) < 2:
        return mask
    keep = sizes >= below
    keep[0] = False
    if not keep.any():
        keep[1 + sizes[1:].argmax()] = True
    return keep[labels]
