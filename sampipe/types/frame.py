"""How an image lies in the square that a model takes: resized to fit, padded right and below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sampipe.errors import DataError
from sampipe.types._arrays import FloatArray


@dataclass(frozen=True)
class Frame:
    """The resize and the padding between an image and a model's square input, and their inverse.

    Args:
        original_hw: height and width of the image, in pixels.
        resized_hw: height and width of the image inside the square; the rest of it is padding.
        input_size: side of the square.

    Raises:
        DataError: a side is below 1, or the resized image does not fit into the square.
    """

    original_hw: tuple[int, int]
    resized_hw: tuple[int, int]
    input_size: int

    def __post_init__(self) -> None:
        for name in ("original_hw", "resized_hw"):
            sides = tuple(int(side) for side in getattr(self, name))
            if len(sides) != 2 or min(sides) < 1:
                raise DataError(f"{name}: got {sides}, wanted (height, width), both at least 1")
            object.__setattr__(self, name, sides)
        if max(self.resized_hw) > self.input_size:
            raise DataError(f"resized_hw {self.resized_hw} does not fit into a square of {self.input_size}")

    @classmethod
    def fit(cls, original_hw: tuple[int, int], input_size: int) -> Frame:
        """The longest side becomes ``input_size``, the other keeps the aspect, rounded, at least 1."""
        height, width = (int(side) for side in original_hw)
        if min(height, width) < 1 or input_size < 1:
            raise DataError(f"got an image of {height} x {width} and an input of {input_size}; sides start at 1")
        scale = input_size * 1.0 / max(height, width)
        resized = max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
        return cls((height, width), resized, int(input_size))

    @classmethod
    def identity(cls, hw: tuple[int, int]) -> Frame:
        """An image that was not resized: for masks that no model made."""
        return cls(hw, hw, max(hw))

    def is_like(self, other: Frame) -> bool:
        """Whether the image lies in both squares at the same place, whatever their sides; rounding apart."""
        ours, theirs = self.input_size, other.input_size
        sides = zip(self.resized_hw, other.resized_hw, strict=True)
        return all(abs(a * theirs - b * ours) <= ours + theirs for a, b in sides)

    def points_to_input(self, xy: ArrayLike) -> FloatArray:
        """Points (..., 2) x, y from original-image pixels to pixels of the square."""
        return _scaled(xy, 1.0 / self._original_per_input())

    def points_to_original(self, xy: ArrayLike) -> FloatArray:
        """Points (..., 2) x, y from pixels of the square to original-image pixels."""
        return _scaled(xy, self._original_per_input())

    def boxes_to_input(self, xyxy: ArrayLike) -> FloatArray:
        """Boxes (..., 4) x, y, x, y from original-image pixels to pixels of the square."""
        boxes = np.asarray(xyxy, dtype=np.float64)
        if boxes.shape[-1:] != (4,):
            raise DataError(f"boxes: got shape {boxes.shape}, wanted (..., 4)")
        return self.points_to_input(boxes.reshape(*boxes.shape[:-1], 2, 2)).reshape(boxes.shape)

    def content_hw(self, side: int) -> tuple[int, int]:
        """Rows and columns of a (side, side) map of the square that hold image, not only padding."""
        height, width = (-(-resized * side // self.input_size) for resized in self.resized_hw)
        return height, width

    def _original_per_input(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        height, width = self.original_hw
        resized_height, resized_width = self.resized_hw
        return np.array([width / resized_width, height / resized_height])


def _scaled(xy: ArrayLike, scale: np.ndarray[tuple[int], np.dtype[np.float64]]) -> FloatArray:
    points = np.asarray(xy, dtype=np.float64)
    if points.shape[-1:] != (2,):
        raise DataError(f"points: got shape {points.shape}, wanted (..., 2)")
    return (points * scale).astype(np.float32)
