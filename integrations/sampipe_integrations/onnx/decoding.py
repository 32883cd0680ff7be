"""What YOLOX takes, and what its output rows mean (Ge et al., YOLOX, arXiv 2107.08430, section 2).

The facts are those of the models that the authors published as ONNX files (release 0.1.1rc0): BGR values of
0..255, the image at the top left on grey 114, and rows that still need the grid added.
"""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray

import sampipe as sp

PAD_VALUE = 114
STRIDES = ((8, 16, 32), (8, 16, 32, 64))
"""Of the usual models, and of the P6 ones."""

FloatArray = NDArray[np.float32]


def letterbox(image: sp.Image, hw: tuple[int, int]) -> tuple[FloatArray, float]:
    """The model's input, float32 (1, 3, *hw) BGR, and the factor from image pixels to input pixels."""
    scale = min(hw[0] / image.height, hw[1] / image.width)
    width, height = (max(1, int(side * scale)) for side in image.wh)
    resized = image.to_pil().resize((width, height), PIL.Image.Resampling.BILINEAR)
    canvas = np.full((*hw, 3), PAD_VALUE, dtype=np.uint8)
    canvas[:height, :width] = np.asarray(resized)
    return np.ascontiguousarray(canvas[None, :, :, ::-1].transpose(0, 3, 1, 2), dtype=np.float32), scale


def decode(rows: FloatArray, hw: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Boxes (n, 4) xyxy in input pixels and class scores (n, classes) from raw rows (n, 5 + classes).

    A row holds the centre's offset in its grid cell, the logarithm of the size in strides, the objectness and
    the class scores, both already probabilities.

    Raises:
        CheckpointError: as many rows as no YOLOX of this input size has.
    """
    cells, strides = _grid(len(rows), hw)
    centre = (rows[:, :2] + cells) * strides
    half = np.exp(rows[:, 2:4]) * strides / 2
    return np.concatenate([centre - half, centre + half], axis=1), rows[:, 4:5] * rows[:, 5:]


def _grid(count: int, hw: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Each row's cell (n, 2), x then y, and stride (n, 1): stride after stride, row by row, x fastest."""
    expected = []
    for strides in STRIDES:
        shapes = [(hw[0] // stride, hw[1] // stride) for stride in strides]
        expected.append(sum(h * w for h, w in shapes))
        if expected[-1] == count:
            cells = [np.indices(shape)[::-1].reshape(2, -1).T for shape in shapes]
            steps = [np.full((len(part), 1), stride) for part, stride in zip(cells, strides, strict=True)]
            return np.concatenate(cells).astype(np.float32), np.concatenate(steps).astype(np.float32)
    raise sp.CheckpointError(
        f"Not a YOLOX model: {count} output rows for an input of {hw[0]} x {hw[1]}, wanted "
        f"{' or '.join(map(str, expected))} (strides 8, 16, 32 or 8, 16, 32, 64)."
    )
