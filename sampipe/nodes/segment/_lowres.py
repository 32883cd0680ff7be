"""Masks and logits as the low-resolution logits that a prompt encoder takes."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image as PilImage

from sampipe.types import Frame


def logits_of_mask(mask: np.ndarray, frame: Frame, size: int, strength: float) -> np.ndarray:
    """A mask as logits in a square model input.

    Each low-resolution cell gets the share of it that the mask covers, spread from -strength (none) to
    +strength (all); what lies outside the image gets -strength.

    Args:
        mask: (h, w) bool, in the original image.
        frame: how the image lies in the square.
        size: side of the logits, in cells.
        strength: the logit of a cell that lies wholly inside.

    Returns:
        (size, size) float32.
    """
    height, width = mask.shape
    per_cell = frame.input_size / size
    cells_h, cells_w = (math.ceil(side / per_cell) for side in frame.resized_hw)
    reach_w, reach_h = (
        per_cell * cells * o / r
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


def reframed(logits: np.ndarray, frame: Frame) -> np.ndarray:
    """Logits (m, m) of an image that fits into its square, as (m, m) in the square of ``frame``."""
    size = len(logits)
    fitted = Frame.fit(frame.original_hw, frame.input_size)
    cells = [side * size / frame.input_size for side in fitted.resized_hw]
    content = PilImage.fromarray(np.ascontiguousarray(logits, np.float32))
    height, width = frame.content_hw(size)
    moved = np.full((size, size), logits.min(), np.float32)
    resized = content.resize((width, height), PilImage.Resampling.BILINEAR, box=(0, 0, cells[1], cells[0]))
    moved[:height, :width] = np.asarray(resized)
    return moved
