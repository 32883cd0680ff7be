"""From a described detector's outputs to boxes in pixels of the model's input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations.onnx.description import HeadDescription

FloatArray = NDArray[np.float32]


def read_head(
    head: HeadDescription, outputs: Mapping[str, Any], hw: tuple[int, int], class_count: int
) -> tuple[FloatArray, FloatArray]:
    """Boxes (n, 4) xyxy in pixels of an input of ``hw``, and class scores (n, classes), 0 to 1.

    Raises:
        CheckpointError: outputs of other shapes than the description says.
    """
    columns = 4 + head.objectness + class_count
    if head.kind == "yolo":
        rows = _rows(outputs, columns, head.rows)
        boxes, scores = rows[:, :4], rows[:, 4 + head.objectness :]
        scores = _probabilities(scores, head.scores)
        if head.objectness:
            scores = scores * _probabilities(rows[:, 4:5], head.scores)
    else:
        boxes, scores = _apart(head, outputs, class_count + (head.scores == "softmax"))
        scores = _probabilities(scores, head.scores)
    if head.boxes == "cxcywh":
        half = boxes[:, 2:] / 2
        boxes = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    if head.units == "fractions":
        boxes = boxes * np.array([hw[1], hw[0]] * 2, np.float32)
    return boxes.astype(np.float32), scores.astype(np.float32)


def _rows(outputs: Mapping[str, Any], columns: int, rows: str) -> FloatArray:
    first = np.asarray(next(iter(outputs.values())))
    table = np.asarray(first[0] if first.ndim == 3 else np.zeros((0, 0)), np.float32)
    table = table.T if rows == "last" else table
    if table.shape[1:] != (columns,):
        raise sp.CheckpointError(
            f"The head gives {list(first.shape)}, and the description says {columns} numbers a row "
            f"(rows: {rows}); look at classes, objectness and rows."
        )
    return table


def _apart(head: HeadDescription, outputs: Mapping[str, Any], width: int) -> tuple[FloatArray, FloatArray]:
    boxes = _named(outputs, head.boxes_output, 4, "boxes_output", ())
    scores = _named(outputs, head.scores_output, width, "scores_output", (head.boxes_output,))
    if len(boxes) != len(scores):
        raise sp.CheckpointError(f"{len(boxes)} boxes and scores for {len(scores)}; wanted as many of each")
    return boxes, scores


def _named(
    outputs: Mapping[str, Any], name: str | None, width: int, what: str, not_these: Sequence[str | None]
) -> FloatArray:
    if name is not None and name not in outputs:
        raise sp.CheckpointError(f"{what}: there is no output {name!r}; there are {', '.join(outputs)}")
    fitting = [
        value
        for key, value in outputs.items()
        if key not in not_these and name in (None, key) and np.ndim(value) == 3 and np.shape(value)[2] == width
    ]
    if len(fitting) != 1:
        shapes = {key: list(np.shape(value)) for key, value in outputs.items()}
        raise sp.CheckpointError(
            f"{what}: {len(fitting)} outputs are [1, n, {width}], wanted one; there are {shapes}. Look at classes and "
            f"scores, or name it with {what}."
        )
    return np.asarray(fitting[0])[0]


def _probabilities(values: FloatArray, kind: str) -> FloatArray:
    if kind == "logits":
        return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))), np.float32)
    if kind == "softmax":
        exponents = np.exp(values - values.max(axis=1, keepdims=True))
        return np.asarray((exponents / exponents.sum(axis=1, keepdims=True))[:, :-1], np.float32)
    return values
