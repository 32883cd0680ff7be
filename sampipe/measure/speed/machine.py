"""Which machine the figures are from, and what it can do at most."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sampipe.models.encoders import ViTConfig

_PACKAGES = (
    "sampipe", "torch", "numpy", "pycocotools", "segment-anything", "ultralytics", "transformers",
    "supervision", "onnxruntime", "openvino",
)  # fmt: skip


def describe_machine(device: str, threads: int) -> dict[str, Any]:
    """Processor, threads, memory, measured peaks, and the versions of whatever is measured."""
    import torch

    torch.set_num_threads(threads)
    accelerator = torch.cuda.get_device_name() if device.startswith("cuda") else None
    return {
        "processor": _processor(),
        "accelerator": accelerator,
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_bytes": available_bytes(),
        "gemm_gflops": _gemm_gflops(device),
        "copy_gb_per_s": _copy_gb_per_s(device),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def encoder_gflop(config: ViTConfig) -> float:
    """Floating-point operations of all products of the paper's encoder, for one image, in 10⁹.

    Projections, MLPs, attention with its relative positions, patches and neck; windows are padded to whole ones.
    """
    side, dim, window = config.image_size // config.patch, config.embed_dim, config.window
    tokens, whole = side**2, len(config.global_blocks)
    windows = config.depth - whole
    padded = (-(-side // window) * window) ** 2
    layers = windows * (padded * 4 * dim + tokens * 8 * dim) + whole * tokens * 12 * dim
    attention = windows * padded * (2 * window**2 + 2 * window) + whole * tokens * (2 * tokens + 2 * side)
    ends = tokens * (3 * config.patch**2 * dim + dim * config.out_channels + 9 * config.out_channels**2)
    return 2 * (dim * (layers + attention) + ends) / 1e9


def available_bytes() -> int | None:
    """Memory that a process may still take; None where the system does not tell."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return None
    line = next(line for line in path.read_text(encoding="ascii").splitlines() if line.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        names = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        if names:
            return names[0].partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _gemm_gflops(device: str) -> float:
    """What fp32 matrix products reach, in the shape of a ViT-B's MLP."""
    import torch

    a, b = torch.randn(4096, 768, device=device), torch.randn(768, 3072, device=device)
    return 2 * 4096 * 768 * 3072 / _best(lambda: a @ b, device) / 1e9


def _copy_gb_per_s(device: str) -> float:
    """What copies reach, reads and writes together."""
    import torch

    a = torch.randn(64 << 20, device=device)
    b = torch.empty_like(a)
    return 2 * a.numel() * 4 / _best(lambda: b.copy_(a), device) / 1e9


def _best(act: Any, device: str, tries: int = 7) -> float:
    import torch

    seconds = []
    for _ in range(tries):
        began = time.perf_counter()
        act()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
