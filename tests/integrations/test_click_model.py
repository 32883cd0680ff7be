"""Any ONNX click model takes part: here one that is written by hand and whose answers are known.

It answers with the pixels that are closer to the clicks on the object than its radius, less those that close to a click
beside it; a second one adds what the mask before had.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sampipe_integrations.onnx.clicks import OnnxClickModel

import sampipe as sp
from sampipe.errors import CheckpointError, DataError
from sampipe.measure.quality.baselines import baselines

RADIUS = 6.0
HW = (30, 40)


def write_discs(path: Path, *, channels: int = 3, clicks: int = 2) -> Path:
    """Logit: radius - distance to the nearest click on the object; with 4 channels, high where the mask was."""
    grid = np.stack(np.meshgrid(np.arange(HW[0]), np.arange(HW[1]), indexing="ij")).astype(np.float32)
    constants = {
        "grid": grid[None],  # (1, 2, h, w)
        "starts": np.array([0, 0], np.int64),
        "ends": np.array([clicks, 2], np.int64),
        "axes": np.array([1, 2], np.int64),
        "spread": np.array([clicks, 2, 1, 1], np.int64),
        "radius": np.array(RADIUS, np.float32),
        "row": np.array([1], np.int64),
        "first": np.array([0], np.int64),
        "last": np.array([3], np.int64),
        "end": np.array([4], np.int64),
        "strong": np.array(60, np.float32),
        "order_starts": np.array([0, 2], np.int64),
        "order_ends": np.array([clicks, 3], np.int64),
        "order_shape": np.array([clicks, 1, 1, 1], np.int64),
        "far": np.array(1000, np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Slice", ["points", "starts", "ends", "axes"], ["positive"]),
        node("Reshape", ["positive", "spread"], ["centres"]),
        node("Sub", ["grid", "centres"], ["offset"]),
        node("Mul", ["offset", "offset"], ["squares"]),
        node("ReduceSum", ["squares", "row"], ["sums"], keepdims=1),
        node("Sqrt", ["sums"], ["distances"]),
        node("Slice", ["points", "order_starts", "order_ends", "axes"], ["order_column"]),
        node("Reshape", ["order_column", "order_shape"], ["order"]),
        node("Neg", ["order"], ["padded"]),
        node("Relu", ["padded"], ["padding"]),
        node("Mul", ["padding", "far"], ["beyond"]),
        node("Add", ["distances", "beyond"], ["reach"]),
        node("ReduceMin", ["reach"], ["distance"], axes=[0], keepdims=1),
        node("Sub", ["radius", "distance"], ["disc" if channels == 4 else "logits"]),
    ]
    if channels == 4:
        nodes += [
            node("Slice", ["image", "last", "end", "row"], ["before"]),
            node("Mul", ["before", "strong"], ["kept"]),
            node("Add", ["disc", "kept"], ["logits"]),
        ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "discs",
        [value("image", TensorProto.FLOAT, [1, channels, *HW]), value("points", TensorProto.FLOAT, [1, 2 * clicks, 3])],
        [value("logits", TensorProto.FLOAT, [1, 1, *HW])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def disc(x: int, y: int) -> np.ndarray:
    ys, xs = np.mgrid[: HW[0], : HW[1]]
    return np.asarray(np.hypot(xs - x, ys - y) < RADIUS)


def clicked(*xyl: tuple[int, int, int]) -> sp.Prompts:
    values = np.array([xyl], np.float32)
    return sp.Prompts.from_points(values[..., :2], values[..., 2].astype(np.int8))


@pytest.fixture
def image() -> sp.Image:
    return sp.Image.from_array(np.zeros((*HW, 3), np.uint8))


def test_each_object_gets_the_disc_around_its_click(tmp_path: Path, image: sp.Image) -> None:
    file = write_discs(tmp_path / "discs.onnx")
    [model] = baselines([f"onnx:{file}"], "points").values()
    answers = model.start(image).answer(sp.Prompts.from_points([[10, 12], [30, 20]]))
    for mask, (x, y) in zip(answers.chosen(), ((10, 12), (30, 20)), strict=True):
        assert np.array_equal(mask.decode(), disc(x, y))
    assert len(model.digest) == 64


def test_clicks_beside_the_object_are_the_second_half_and_the_oldest_go(tmp_path: Path, image: sp.Image) -> None:
    session = OnnxClickModel(write_discs(tmp_path / "discs.onnx")).start(image)
    [mask] = session.answer(clicked((10, 12, 1), (30, 20, 0))).chosen()
    assert np.array_equal(mask.decode(), disc(10, 12))
    [mask] = session.answer(clicked((5, 5, 1), (10, 12, 1), (30, 20, 1))).chosen()
    assert np.array_equal(mask.decode(), disc(10, 12) | disc(30, 20))


def test_a_fourth_channel_is_the_mask_before(tmp_path: Path, image: sp.Image) -> None:
    session = OnnxClickModel(write_discs(tmp_path / "discs.onnx", channels=4, clicks=1)).start(image)
    first = session.answer(clicked((8, 8, 1)))
    [both] = session.answer(clicked((8, 8, 1), (30, 20, 1)), first).chosen()
    assert (both.decode() >= (disc(8, 8) | disc(30, 20))).all()
    [second] = session.answer(clicked((30, 20, 1))).chosen()
    assert not second.decode()[8, 8]


def test_a_fixed_size_is_resized_to_and_back(tmp_path: Path) -> None:
    model = OnnxClickModel(write_discs(tmp_path / "discs.onnx"))
    large = sp.Image.from_array(np.zeros((HW[0] * 2, HW[1] * 2, 3), np.uint8))
    [mask] = model.start(large).answer(sp.Prompts.from_points([[40, 30]])).chosen()
    assert mask.hw == (60, 80)
    assert mask.area == pytest.approx(np.pi * (2 * RADIUS) ** 2, rel=0.1)
    x0, y0, x1, y1 = mask.box
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((40.5, 30.5), abs=1)


def test_what_is_no_click_model_is_refused(tmp_path: Path, shared_data: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a click model of this kind"):
        OnnxClickModel(shared_data / "detectors" / "yolox_nano.onnx")
    with pytest.raises(CheckpointError, match="no such file"):
        OnnxClickModel(tmp_path / "none.onnx")
    with pytest.raises(DataError, match="onnx wants the model's file"):
        baselines(["onnx"], "points")
    with pytest.raises(DataError, match="not boxes"):
        baselines([f"onnx:{write_discs(tmp_path / 'discs.onnx')}"], "boxes")
