"""Masks as files. Every node here hands its masks on unchanged."""

from __future__ import annotations

from sampipe.nodes.export.coco import SaveCoco
from sampipe.nodes.export.overlay import SaveOverlay
from sampipe.nodes.export.png import SavePng
from sampipe.nodes.export.yolo import SaveYolo

__all__ = ["SaveCoco", "SaveOverlay", "SavePng", "SaveYolo"]
