"""YOLO, RT-DETR and SAM from ultralytics (AGPL-3.0). Extra: ``sampipe[ultralytics]``; not in ``all``."""

from __future__ import annotations

from typing import Any

from sampipe_integrations.ultralytics.callback import add_masks, masks_callback
from sampipe_integrations.ultralytics.detector import UltralyticsDetector
from sampipe_integrations.ultralytics.masks import UltralyticsMasks
from sampipe_integrations.ultralytics.open_vocabulary import YoloE, YoloWorld
from sampipe_integrations.ultralytics.pose import UltralyticsPose

__all__ = [
    "UltralyticsDetector",
    "UltralyticsMasks",
    "UltralyticsPose",
    "YoloE",
    "YoloWorld",
    "add_masks",
    "detector",
    "masks_callback",
    "pose",
    "yolo_world",
    "yoloe",
]


def detector(argument: str | None = None, **params: Any) -> UltralyticsDetector:
    """``--detector ultralytics`` or ``ultralytics:WEIGHTS``, a published name or a ``.pt`` file."""
    return UltralyticsDetector(weights=argument, **params) if argument else UltralyticsDetector(**params)


def pose(argument: str | None = None, **params: Any) -> UltralyticsPose:
    """``--detector ultralytics_pose`` or ``ultralytics_pose:WEIGHTS``."""
    return UltralyticsPose(weights=argument, **params) if argument else UltralyticsPose(**params)


def yolo_world(argument: str | None = None, **params: Any) -> YoloWorld:
    """``--detector yolo_world`` or ``yolo_world:WEIGHTS``, with ``--text``."""
    return YoloWorld(weights=argument, **params) if argument else YoloWorld(**params)


def yoloe(argument: str | None = None, **params: Any) -> YoloE:
    """``--detector yoloe`` or ``yoloe:WEIGHTS``, with ``--text``."""
    return YoloE(weights=argument, **params) if argument else YoloE(**params)
