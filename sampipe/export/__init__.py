"""Models in other formats."""

from __future__ import annotations

from sampipe.export.comparison import Difference, compare
from sampipe.export.onnx import export_decoder
from sampipe.export.onnx_decoder import OnnxDecoder

__all__ = ["Difference", "OnnxDecoder", "compare", "export_decoder"]
