"""YOLO, RT-DETR and SAM from ultralytics (AGPL-3.0). Extra: ``sampipe[ultralytics]``; not in ``all``."""

from __future__ import annotations

from typing import Any

from sampipe_integrations.ultralytics.callback import add_masks, masks_callback
from sampipe_integrations.ultralytics.detector import UltralyticsDetector
from sampipe_integrations.ultralytics.masks import UltralyticsMasks
from sampipe_integrations.ultralytics.pose import UltralyticsPose
from sampipe_integrations.ultralytics.sam import UltralyticsSegment

__all__ = [
    "UltralyticsDetector",
    "UltralyticsMasks",
    "UltralyticsPose",
    "UltralyticsSegment",
    "add_masks",
    "detector",
    "masks_callback",
    "pose",
]


def detector(argument: str | None = None, **params: Any) -> UltralyticsDetector:
    """``--detector ultralytics`` or ``ultralytics:WEIGHTS``, a published name or a ``.pt`` file."""
    return UltralyticsDetector(weights=argument, **params) if argument else UltralyticsDetector(**params)


def pose(argument: str | None = None, **params: Any) -> UltralyticsPose:
    """``--detector ultralytics_pose`` or ``ultralytics_pose:WEIGHTS``."""
    return UltralyticsPose(weights=argument, **params) if argument else UltralyticsPose(**params)
