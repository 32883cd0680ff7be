"""torchvision's detection models. Nothing to install: torchvision comes with sampipe."""

from __future__ import annotations

from typing import Any

from sampipe_integrations.torchvision.detector import TorchvisionDetector
from sampipe_integrations.torchvision.keypoint_detector import TorchvisionKeypoints

__all__ = ["TorchvisionDetector", "TorchvisionKeypoints", "detector", "keypoints"]


def detector(argument: str | None = None, **params: Any) -> TorchvisionDetector:
    """``--detector torchvision`` or ``torchvision:MODEL``, a name of ``torchvision.models.detection``."""
    return TorchvisionDetector(model=argument, **params) if argument else TorchvisionDetector(**params)


def keypoints(argument: str | None = None, **params: Any) -> TorchvisionKeypoints:
    """``--detector torchvision_keypoints`` or ``torchvision_keypoints:FILE``."""
    return TorchvisionKeypoints(weights=argument, **params) if argument else TorchvisionKeypoints(**params)
