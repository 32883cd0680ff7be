"""Bands of any range as 8 bits: the same for every tile, or borders would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_SIDE = 512  # of the small copy of the raster that is looked at
_SHARES = (2, 98)  # percent of the pixels below what becomes black, and below what becomes white


@dataclass(frozen=True)
class Stretch:
    """What becomes black and what white.

    Args:
        low, high: (bands,); None for bytes, which stay as they are.
    """

    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @classmethod
    def of(cls, file: Any, bands: Sequence[int]) -> Stretch:
        """From a small copy of the whole raster: its second and its 98th percentile, band by band."""
        if all(file.dtypes[band - 1] == "uint8" for band in bands):
            return cls()
        scale = max(1.0, max(file.height, file.width) / _SIDE)
        shape = (len(bands), max(1, round(file.height / scale)), max(1, round(file.width / scale)))
        small = file.read(bands, out_shape=shape, masked=True).astype(np.float64)
        values = [band.compressed()[np.isfinite(band.compressed())] for band in small]
        limits = [np.percentile(one, _SHARES) if one.size else (0, 1) for one in values]
        low, high = np.array(limits).T
        return cls(low, np.maximum(high, low + np.finfo(np.float32).tiny))

    def to_bytes(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 of the same shape (bands, h, w); NaN becomes 0."""
        if self.low is None or self.high is None:
            return pixels
        shares = (pixels - self.low[:, None, None]) / (self.high - self.low)[:, None, None]
        return np.asarray((np.nan_to_num(shares, nan=0.0).clip(0, 1) * 255).round(), np.uint8)
