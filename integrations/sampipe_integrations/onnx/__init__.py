"""Detectors that run in onnxruntime: the YOLOX family, and any that a YAML file describes. Extra: ``sampipe[onnx]``."""

from __future__ import annotations

from typing import Any

from sampipe_integrations.onnx.described_detector import OnnxDetector
from sampipe_integrations.onnx.yolox import YoloxDetector

__all__ = ["OnnxDetector", "YoloxDetector", "described", "yolox", "yolox_nano"]


def yolox(argument: str | None = None, **params: Any) -> YoloxDetector:
    """``--detector onnx:FILE``: any YOLOX model; without a file, YOLOX-Nano."""
    return YoloxDetector(weights=argument, **params) if argument else YoloxDetector(**params)


def yolox_nano(argument: str | None = None, **params: Any) -> YoloxDetector:
    """``--detector yolox_nano`` or ``yolox_nano:FILE``: YOLOX-Nano, from ``FILE`` if given."""
    return yolox(argument, **params)


def described(argument: str | None = None, **params: Any) -> OnnxDetector:
    """``--detector onnx_described:FILE.yaml``: the detector that the file describes."""
    return OnnxDetector(description=argument or "", **params)
