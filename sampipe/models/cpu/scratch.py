"""Memory that a thread keeps for the fast paths: fresh large tensors cost a page fault every 4 KB."""

from __future__ import annotations

import math
import threading

import torch
from torch import Tensor

_scratch = threading.local()


def buffer(name: str, *shape: int) -> Tensor:
    """This thread's own float32 memory of that name, contents undefined; grows, and is used again."""
    size = math.prod(shape)
    held: Tensor | None = getattr(_scratch, name, None)
    if held is None or held.numel() < size:
        held = torch.empty(size)
        setattr(_scratch, name, held)
    return held[:size].view(shape)


def is_fast(x: Tensor) -> bool:
    """Whether the fast paths may stand in for the plain network: float32 on a CPU that nobody differentiates."""
    plain = torch.is_autocast_enabled("cpu") or not torch.is_inference_mode_enabled()
    return not plain and x.device.type == "cpu" and x.dtype == torch.float32
