"""Masks as files. Every node here hands its masks on unchanged."""

from __future__ import annotations

from sampipe.nodes.save.formats import (
    SaveCoco,
    SaveCutouts,
    SaveCvat,
    SaveGeoJson,
    SaveLabelMe,
    SaveLabelStudio,
    SavePng,
    SaveSvg,
    SaveVoc,
    SaveYolo,
)
from sampipe.nodes.save.masks import SaveMasks
from sampipe.nodes.save.overlay import SaveOverlay

__all__ = [
    "SaveCoco",
    "SaveCutouts",
    "SaveCvat",
    "SaveGeoJson",
    "SaveLabelMe",
    "SaveLabelStudio",
    "SaveMasks",
    "SaveOverlay",
    "SavePng",
    "SaveSvg",
    "SaveVoc",
    "SaveYolo",
]
