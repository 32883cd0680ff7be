"""Changes of light and color; shapes are left alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

GRAY_SHARE = 0.1
_LUMA = (0.299, 0.587, 0.114)


def jitter_colors(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Random brightness, contrast, saturation and white balance of (3, h, w) uint8; one image in ten goes grey."""
    brightness, contrast, saturation = rng.uniform(0.6, 1.4, 3)
    balance = torch.tensor(rng.uniform(0.85, 1.15, 3), dtype=torch.float32).view(3, 1, 1)
    if rng.random() < GRAY_SHARE:
        saturation = 0.0
    x = pixels.float() * balance * brightness
    gray = (x * torch.tensor(_LUMA).view(3, 1, 1)).sum(dim=0, keepdim=True)
    x = gray + (x - gray) * saturation
    x = gray.mean() + (x - gray.mean()) * contrast
    return x.clamp(0, 255).to(torch.uint8)
