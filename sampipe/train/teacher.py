"""A published detector as a teacher: what each of its cells says about a view (Ge et al., YOLOX, 2021)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sampipe._optional import require
from sampipe.errors import CheckpointError
from sampipe.types._arrays import UInt8Array

_PAD = 114  # what YOLOX pads with
_STRIDES = (8, 16, 32)


class YoloxTeacher:
    """YOLOX as its authors publish it in ONNX: BGR values, undecoded rows of strides 8, 16 and 32.

    Args:
        path: the file.

    Raises:
        CheckpointError: not such a model.
        MissingDependencyError: onnxruntime is not installed.
    """

    def __init__(self, path: Path) -> None:
        onnxruntime = require("onnxruntime", extra="onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no base class of its own for what a bad file raises
            raise CheckpointError(f"{path}: cannot be read as an ONNX model ({error}).") from error
        self._input = self._session.get_inputs()[0]
        shape = self._input.shape
        if len(shape) != 4 or not isinstance(shape[2], int) or shape[2] != shape[3]:
            raise CheckpointError(f"{path}: takes {shape}, wanted a YOLOX model of a fixed square input.")
        self.size = int(shape[2])

    def __call__(self, pixels: UInt8Array, content: tuple[int, int]) -> Tensor:
        """Each cell's box (xyxy, pixels), objectness and class scores, (n, 5 + classes).

        Args:
            pixels: (size, size, 3) RGB.
            content: height and width of what is not padding.
        """
        shown = np.full(pixels.shape, _PAD, dtype=np.float32)
        shown[: content[0], : content[1]] = pixels[: content[0], : content[1], ::-1]
        rows = torch.from_numpy(self._session.run(None, {self._input.name: shown.transpose(2, 0, 1)[None]})[0][0])
        cells, strides = grid(self.size)
        center, half = (rows[:, :2] + cells) * strides, rows[:, 2:4].exp() * strides / 2
        return torch.cat([center - half, center + half, rows[:, 4:]], dim=1)


def grid(size: int) -> tuple[Tensor, Tensor]:
    """Each cell's place (n, 2), x then y, and stride (n, 1): stride after stride, row by row."""
    cells, strides = [], []
    for stride in _STRIDES:
        ticks = torch.arange(size // stride)
        x, y = torch.meshgrid(ticks, ticks, indexing="xy")
        cells.append(torch.stack([x, y], dim=-1).flatten(0, 1))
        strides.append(torch.full((len(ticks) ** 2, 1), stride))
    return torch.cat(cells).float(), torch.cat(strides).float()
