"""Frames as a player shows them: turned and mirrored by the file's display matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from sampipe.types._arrays import UInt8Array


def upright(frame: Any) -> UInt8Array:
    """RGB pixels (h, w, 3) of a decoded frame (PyAV), as its display matrix asks.

    The matrix of ISO/IEC 14496-12, section 6.2.2: (x, y) goes to (a x + c y, b x + d y). Of its eight upright forms the
    nearest is taken; a matrix of zeros says nothing.
    """
    pixels = frame.to_ndarray(format="rgb24")
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return np.ascontiguousarray(pixels)
    a, b, _, c, d = np.frombuffer(bytes(found), np.int32, count=5).tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):  # columns become rows
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
