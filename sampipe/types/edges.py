"""How strongly each pixel lies on an edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sampipe.errors import DataError
from sampipe.types._arrays import FloatArray, Value, read_only


@dataclass(frozen=True, eq=False, repr=False)
class EdgeMap(Value):
    """Edge strength of every pixel of an image.

    Args:
        strength: float32 (h, w), from 0 (no edge) to 1.

    Raises:
        DataError: another shape, or values outside 0 to 1.
    """

    strength: FloatArray

    def __post_init__(self) -> None:
        strength = read_only(self.strength, np.float32, "strength")
        if strength.ndim != 2 or 0 in strength.shape:
            raise DataError(f"strength: got {strength.shape}, wanted (height, width)")
        if not (strength.min() >= 0 and strength.max() <= 1):
            raise DataError(
                f"strength: got values from {strength.min()} to {strength.max()}, wanted 0 to 1 without NaN"
            )
        object.__setattr__(self, "strength", strength)

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.strength.shape
        return height, width

    def _repr_png_(self) -> bytes:
        from sampipe.types.display import preview

        return preview((self.strength * 255).astype(np.uint8))

    def __repr__(self) -> str:
        return f"EdgeMap({self.hw[0]} x {self.hw[1]}, strongest {self.strength.max():.2f})"
