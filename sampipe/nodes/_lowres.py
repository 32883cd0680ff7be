"""Masks and logits as the low-resolution logits that a prompt encoder takes."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image as PilImage

from sampipe.types import Frame


def logits_of_mask(mask: np.ndarray, size: int, strength: float) -> np.ndarray:
    """A mask as logits in a square model input.

    Each low-resolution cell gets the share of it that the mask covers, spread from -strength (none) to
    +strength (all); what lies outside the picture gets -strength.

    Args:
        mask: (h, w) bool, in the original image.
        size: side of the logits, in cells.
        strength: the logit of a cell that lies wholly inside.

    Returns:
        (size, size) float32.
    """
    height, width = mask.shape
    frame = Frame.fit((height, width), size * 4)
    cells_h, cells_w = (math.ceil(side / 4) for side in frame.resized_hw)
    reach_w, reach_h = (
        4 * cells * o / r
        for cells, o, r in ((cells_w, width, frame.resized_hw[1]), (cells_h, height, frame.resized_hw[0]))
    )
    padded = np.zeros((max(height, math.ceil(reach_h)), max(width, math.ceil(reach_w))), np.uint8)
    padded[:height, :width] = mask
    padded *= 255
    covered = PilImage.fromarray(padded).resize(
        (cells_w, cells_h), PilImage.Resampling.BOX, box=(0, 0, reach_w, reach_h)
    )
    logits = np.full((size, size), -strength, np.float32)
    logits[:cells_h, :cells_w] = strength * (np.asarray(covered, np.float32) / 127.5 - 1)
    return logits


def resample_logits(logits: np.ndarray, size: int) -> np.ndarray:
    """Logits (m, m) at another resolution, (size, size) float32: models differ in how fine theirs are."""
    if logits.shape == (size, size):
        return logits
    resized = PilImage.fromarray(np.ascontiguousarray(logits, np.float32)).resize(
        (size, size), PilImage.Resampling.BILINEAR
    )
    return np.asarray(resized, np.float32)
