"""The face detector that ships inside scikit-image: it works offline, everywhere sampipe does."""

from __future__ import annotations

from typing import Any

import sampipe as sp
from sampipe_integrations.skimage.face import FaceDetector

__all__ = ["FaceDetector", "face"]


def face(argument: str | None = None, **params: Any) -> FaceDetector:
    """``--detector face``.

    Raises:
        SpecError: an argument: there is one cascade only.
    """
    if argument:
        raise sp.SpecError(f"face:{argument}: the face detector takes no argument; write --detector face")
    return FaceDetector(**params)
