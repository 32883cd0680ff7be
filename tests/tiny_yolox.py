"""YOLOX files that find what they are told to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CELL = 64 + 5
"""Row of stride 16, second row, second column: 64 cells of stride 8 come first in an input of 64 x 64."""


def write_model(path: Path | str, rows: np.ndarray, shape: tuple[int, ...] = (1, 3, 64, 64)) -> str:
    """An ONNX model whose output is ``rows``, whatever the picture (which it uses: 0 times)."""
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, list(shape))
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, *rows.shape])
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["output"]),
    ]
    constants = [
        numpy_helper.from_array(np.float32(0), "zero"),
        numpy_helper.from_array(rows[None].astype(np.float32), "rows"),
    ]
    graph = helper.make_graph(nodes, "yolox", [images], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.save(model, path)
    return str(path)


def rows_with(*detections: tuple[float, ...], classes: int = 2, count: int = 84) -> np.ndarray:
    """Output rows that hold the given (row, x, y, log w, log h, objectness, *class scores)."""
    rows = np.zeros((count, 5 + classes), np.float32)
    for row, *values in detections:
        rows[int(row)] = values
    return rows
