"""torchvision's detection models. Nothing to install: torchvision comes with sampipe."""

from __future__ import annotations

from typing import Any

from sampipe_integrations.torchvision.detector import TorchvisionDetector

__all__ = ["TorchvisionDetector", "detector"]


def detector(argument: str | None = None, **params: Any) -> TorchvisionDetector:
    """``--detector torchvision`` or ``torchvision:MODEL``, a name of ``torchvision.models.detection``."""
    return TorchvisionDetector(model=argument, **params) if argument else TorchvisionDetector(**params)
