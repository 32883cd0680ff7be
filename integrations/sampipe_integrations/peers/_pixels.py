"""What every encoder of Segment Anything starts from."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_STD = np.array([58.395, 57.12, 57.375], np.float32)


def normalized(image: np.ndarray) -> Tensor:
    """uint8 (h, w, 3) as float32 (1, 3, h, w): ImageNet's mean taken away, divided by its deviation."""
    return torch.from_numpy(((image - _MEAN) / _STD).transpose(2, 0, 1)[None].copy())
