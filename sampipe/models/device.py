"""One rule for where models run."""

from __future__ import annotations

import torch

from sampipe.errors import DataError


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to use.

    Args:
        device: ``"auto"`` (the first of CUDA, MPS and CPU that is there), ``"cpu"``, ``"cuda"`` (the first
            one), ``"cuda:1"``, ``"mps"``.

    Raises:
        DataError: no such device on this machine, with those that are there.
    """
    available = available_devices()
    if device == "auto":
        return torch.device(available[0])
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise DataError(f"device: got {device!r}, wanted 'auto' or one of {', '.join(available)}.") from error
    name = f"cuda:{wanted.index or 0}" if wanted.type == "cuda" else wanted.type
    if name not in available:
        raise DataError(
            f"device: {str(device)!r} was asked for, and torch {torch.__version__} sees only "
            f"{', '.join(available)} here. Use 'auto', or install its driver and a torch built for it."
        )
    return torch.device(name)


def available_devices() -> list[str]:
    """Names of the devices torch can use here, the preferred one first."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]
