"""YOLO and RT-DETR from ultralytics (AGPL-3.0). Extra: ``sampipe[ultralytics]``; not in ``all``."""

from __future__ import annotations

from typing import Any

from sampipe_integrations.ultralytics.detector import UltralyticsDetector

__all__ = ["UltralyticsDetector", "detector"]


def detector(argument: str | None = None, **params: Any) -> UltralyticsDetector:
    """``--detector ultralytics`` or ``ultralytics:WEIGHTS``, a published name or a ``.pt`` file."""
    return UltralyticsDetector(weights=argument, **params) if argument else UltralyticsDetector(**params)
