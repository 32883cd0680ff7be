"""Where a YOLOX model's file is."""

from __future__ import annotations

import os
from pathlib import Path

import sampipe as sp
from sampipe_integrations._published import PublishedFile

NAME = "yolox_nano"
VARIABLE = "SAMPIPE_YOLOX_NANO"

YOLOX_NANO = PublishedFile(
    url="https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
    # GitHub states none for files this old; several independent projects note this one
    sha256="c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
    instead=f", or set {VARIABLE} to a file",
)


def obtain(weights: str) -> Path:
    """The file for ``weights``; the published YOLOX-Nano is downloaded if it is nowhere.

    Raises:
        CheckpointError: the file is missing, or cannot be downloaded.
    """
    return _local(weights) or YOLOX_NANO.obtain()


def weights_requirement(weights: str) -> sp.Requirement:
    """What ``check`` looks for."""
    path = _local(weights)
    if path is not None:
        return sp.Requirement.file(path)
    return YOLOX_NANO.requirement()


def _local(weights: str) -> Path | None:
    """The user's own file, there or not; None for the published one."""
    if weights != NAME:
        return Path(weights)
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
