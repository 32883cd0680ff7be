"""The person who clicks, simulated as the interactive field does it: always at the middle of the largest error.

Sofiiuk et al., "Reviving Iterative Training with Mask Guidance", ICIP 2022, and the paper, section 7.1 and appendix
D.1. Training draws its clicks at random instead (:mod:`sampipe.train.interaction`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from sampipe.types._arrays import BoolArray, FloatArray


class Click(NamedTuple):
    """A pixel, and whether it is on the object (1) or beside it (0)."""

    x: int
    y: int
    label: int


def center_click(truth: BoolArray) -> Click:
    """On the object, as far from its border as can be."""
    return _click(_depth(truth), 1)


def random_click(truth: BoolArray, rng: np.random.Generator) -> Click:
    """Anywhere on the object, each pixel alike."""
    flat = int(rng.choice(np.flatnonzero(truth)))
    return Click(flat % truth.shape[1], flat // truth.shape[1], 1)


def correction(answer: BoolArray, truth: BoolArray, clicked: Iterable[Click] = ()) -> Click | None:
    """The middle of what is missing or of what is too much, whichever goes deeper; None where nothing is wrong.

    A pixel is not clicked twice. The image's border counts as the border of a region.

    Args:
        answer: (h, w) the mask so far.
        truth: (h, w) the object.
        clicked: the clicks so far.
    """
    missing, too_much = _depth(truth & ~answer), _depth(answer & ~truth)
    for click in clicked:
        missing[click.y, click.x] = too_much[click.y, click.x] = 0
    if max(missing.max(), too_much.max()) <= 0:
        return None
    return _click(missing, 1) if missing.max() > too_much.max() else _click(too_much, 0)


def _depth(region: BoolArray) -> FloatArray:
    """Each pixel's distance to the outside of the region, (h, w); only the region's own box is looked at."""
    from scipy import ndimage

    depth = np.zeros(region.shape, np.float32)
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if len(rows):
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        depth[part] = ndimage.distance_transform_edt(np.pad(region[part], 1))[1:-1, 1:-1]
    return depth


def _click(depth: FloatArray, label: int) -> Click:
    flat = int(depth.argmax())
    return Click(flat % depth.shape[1], flat // depth.shape[1], label)
