"""Models in other formats."""

from __future__ import annotations

from sampipe.models.onnx.comparison import Difference, compare
from sampipe.models.onnx.official_decoder import export_official
from sampipe.models.onnx.onnx import export_decoder
from sampipe.models.onnx.onnx_decoder import OnnxDecoder

__all__ = ["Difference", "OnnxDecoder", "compare", "export_decoder", "export_official"]
