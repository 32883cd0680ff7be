"""Masks as files. Every node here hands its masks on unchanged."""

from __future__ import annotations

from sampipe.nodes.export.coco import SaveCoco
from sampipe.nodes.export.cutouts import SaveCutouts
from sampipe.nodes.export.cvat import SaveCvat
from sampipe.nodes.export.geojson import SaveGeoJson
from sampipe.nodes.export.label_studio import SaveLabelStudio
from sampipe.nodes.export.labelme import SaveLabelMe
from sampipe.nodes.export.overlay import SaveOverlay
from sampipe.nodes.export.png import SavePng
from sampipe.nodes.export.svg import SaveSvg
from sampipe.nodes.export.voc import SaveVoc
from sampipe.nodes.export.yolo import SaveYolo

__all__ = [
    "SaveCoco",
    "SaveCutouts",
    "SaveCvat",
    "SaveGeoJson",
    "SaveLabelMe",
    "SaveLabelStudio",
    "SaveOverlay",
    "SavePng",
    "SaveSvg",
    "SaveVoc",
    "SaveYolo",
]
