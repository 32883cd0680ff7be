"""In which precision the network computes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import nn

from sampipe.errors import DataError

Precision = Literal["exact", "bf16", "fp16"]
"""``exact``: float32. ``bf16``, and ``fp16`` on CUDA and MPS: the encoder's products in half the bits, several times as
fast where the processor has units for them (:func:`is_fast_here`); norms, sums and, on a CPU, the decoder stay float32.
"""

_CPU_FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}  # Intel and AMD; Arm


def half_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """What products are computed in, or ``None`` for float32.

    Raises:
        DataError: an unknown precision, or one that the device has not.
    """
    if precision not in get_args(Precision):
        raise DataError(f"precision: got {precision!r}, wanted one of {', '.join(get_args(Precision))}.")
    if precision == "fp16" and device.type == "cpu":
        raise DataError("precision: 'fp16' is for CUDA and MPS; on a CPU use 'bf16' or 'exact'.")
    return {"exact": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def is_fast_here(precision: str, device: torch.device) -> bool:
    """Whether the device has units for that precision; without them it is slower than float32."""
    if precision == "exact" or device.type == "mps":
        return True
    if device.type == "cuda":
        return precision == "fp16" or torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(_CPU_FLAGS & cpu_flags())


def cpu_flags() -> set[str]:
    """What the processor says that it can do; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}


def halve(encoder: nn.Module, dtype: torch.dtype) -> None:
    """Keep the weights of the encoder's large products in ``dtype``: autocast would convert them at every call."""
    for module in encoder.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            module.to(dtype)
