"""Described ONNX detectors: files that torch exports, answers that are known or that torch gives."""

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from sampipe_integrations.onnx import OnnxDetector

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe.testing import check_node

SIDE = 64
PICTURE = sp.Image.from_array(np.zeros((48, 96, 3), np.uint8))


def write_model(path, outputs, *, shape=(1, 3, SIDE, SIDE)):
    """A model that answers every input with the same tensors, by name."""
    constants = [
        helper.make_node(
            "Constant", [], [name], value=numpy_helper.from_array(np.asarray(value, np.float32), f"{name}_value")
        )
        for name, value in outputs.items()
    ]
    graph = helper.make_graph(
        constants,
        "head",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, np.shape(value)) for name, value in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)


@pytest.fixture
def described(tmp_path):
    """Write a model and its description; gives the description's path."""

    def write(outputs, head, *, shape=(1, 3, SIDE, SIDE), **more):
        write_model(tmp_path / "model.onnx", outputs, shape=shape)
        document = {"file": "model.onnx", "classes": ["nut", "bolt"], "head": head, **more}
        (tmp_path / "model.yaml").write_text(yaml.safe_dump(document))
        return str(tmp_path / "model.yaml")

    return write


YOLO = {"kind": "yolo", "units": "pixels", "scores": "probabilities"}
DETR = {"kind": "detr", "units": "fractions", "scores": "softmax"}
# 96 x 48 in a square of 64: scale 2/3, so 32 rows of picture, 16 rows of padding above and below
ROWS = np.array([[32, 32, 32, 16, 0.1, 0.9], [32, 32, 32, 18, 0.1, 0.8], [10, 32, 4, 4, 0.6, 0.0]], np.float32)
WANTED = [[24.0, 12.0, 72.0, 36.0], [12.0, 21.0, 18.0, 27.0]]


def test_yolo_rows_in_either_direction(described):
    for head, values in (({"rows": "first"}, ROWS[None]), ({"rows": "last"}, ROWS.T[None])):
        path = described({"output0": values}, {**YOLO, **head})
        found = OnnxDetector(description=path)(PICTURE)
        assert np.allclose(found.boxes, WANTED, atol=1e-4), head
        assert found.labels == ("bolt", "nut") and found.scores.tolist() == pytest.approx([0.9, 0.6])
    assert len(OnnxDetector(description=path, nms=1.0)(PICTURE)) == 3
    assert OnnxDetector(description=path, classes="nut")(PICTURE).labels == ("nut",)
    assert OnnxDetector(description=path, max_detections=1)(PICTURE).labels == ("bolt",)
    assert OnnxDetector(description=path, confidence=0.99)(PICTURE).boxes.shape == (0, 4)


def test_objectness_logits_and_corners(described):
    logit = float(np.log(0.9 / 0.1))
    rows = [[[16, 24, 48, 40, logit, -50.0, logit]]]
    path = described({"out": rows}, {**YOLO, "boxes": "xyxy", "objectness": True, "scores": "logits"})
    found = OnnxDetector(description=path)(PICTURE)
    assert np.allclose(found.boxes, WANTED[:1], atol=1e-4)
    assert found.scores.tolist() == pytest.approx([0.81], abs=1e-3) and found.labels == ("bolt",)


def test_detr_outputs_known_by_shape_or_by_name(described):
    boxes = [[[0.5, 0.5, 0.5, 0.25], [0.2, 0.5, 0.1, 0.1]]]
    logits = [[[0.0, 5.0, 0.0], [0.0, 0.0, 9.0]]]  # the second is "no object"
    for more in ({}, {"boxes_output": "pred_boxes", "scores_output": "logits"}):
        path = described({"logits": logits, "pred_boxes": boxes}, {**DETR, **more})
        found = OnnxDetector(description=path)(PICTURE)
        assert np.allclose(found.boxes, WANTED[:1], atol=1e-4) and found.labels == ("bolt",)
        assert found.scores[0] == pytest.approx(np.exp(5) / (np.exp(5) + 2), abs=1e-4)


def test_stretched_and_top_left(described):
    rows = [[[32, 32, 32, 16, 0.1, 0.9]]]
    stretched = described({"o": rows}, YOLO, input={"resize": "stretch"})
    assert np.allclose(OnnxDetector(description=stretched)(PICTURE).boxes, [[24, 18, 72, 30]], atol=1e-4)
    corner = described({"o": rows}, YOLO, input={"place": "top_left"})
    assert np.allclose(OnnxDetector(description=corner)(PICTURE).boxes, [[24, 36, 72, 48]], atol=1e-4)


def test_the_input_is_made_as_described(tmp_path):
    """The mean of each channel of what the model sees comes back as its box."""
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["means"], keepdims=0),
        helper.make_node("Concat", ["means", "one"], ["row"], axis=1),
        helper.make_node("Unsqueeze", ["row", "second"], ["rows"]),
    ]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, "h", "w"))],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, (1, 1, 5))],
        [
            numpy_helper.from_array(np.array([2, 3]), "axes"),
            numpy_helper.from_array(np.array([1]), "second"),
            numpy_helper.from_array(np.array([[30.0, 1.0]], np.float32), "one"),
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "model.onnx"
    )
    orange = sp.Image.from_array(np.full((8, 8, 3), (200, 100, 50), np.uint8))
    for given, (x, y, right) in (
        ({"color": "rgb", "scale": 10}, (20, 10, 5)),
        ({"color": "bgr", "scale": 10}, (5, 10, 20)),
        ({"scale": 1, "mean": [100, 90, 30], "std": [10, 1, 1]}, (10, 10, 20)),
    ):
        document = {
            "file": "model.onnx",
            "classes": ["thing"],
            "head": {**YOLO, "boxes": "xyxy"},
            "input": {"size": [64, 64], **given},
        }
        (tmp_path / "model.yaml").write_text(yaml.safe_dump(document))
        [box] = OnnxDetector(description=str(tmp_path / "model.yaml"))(orange).boxes
        expected = np.array([min(x, right), y, max(x, right), 30]) / 8
        assert np.allclose(box, expected, atol=0.02), given


def test_bad_descriptions_and_models_that_differ_are_said(described, tmp_path):
    cases = [
        (described({"o": ROWS[None]}, {**YOLO, "kinds": 1}), sp.SpecError, "head.kinds: Extra inputs"),
        (str(tmp_path / "none.yaml"), sp.SpecError, "cannot be read"),
    ]
    for path, kind, reason in cases:
        with pytest.raises(kind, match=reason):
            OnnxDetector(description=path)(PICTURE)
    for outputs, head, reason in (
        ({"o": ROWS[None]}, {**YOLO, "objectness": True}, r"gives \[1, 3, 6\], and the description says 7"),
        ({"o": ROWS[None]}, {**DETR}, "boxes_output: 0 outputs are"),
        ({"a": np.zeros((1, 2, 4)), "b": np.zeros((1, 3, 3))}, DETR, "2 boxes and scores for 3"),
        ({"a": np.zeros((1, 2, 4))}, {**DETR, "boxes_output": "z"}, "there is no output 'z'; there are a"),
    ):
        with pytest.raises(sp.CheckpointError, match=reason):
            OnnxDetector(description=described(outputs, head))(PICTURE)
    with pytest.raises(sp.SpecError, match="objectness and rows belong to yolo"):
        OnnxDetector(description=described({"o": ROWS[None]}, {**DETR, "objectness": True}))(PICTURE)
    dynamic = described({"o": ROWS[None]}, YOLO, shape=(1, 3, "h", "w"))
    with pytest.raises(sp.CheckpointError, match=r"or input.size in"):
        OnnxDetector(description=dynamic)(PICTURE)


@pytest.mark.filterwarnings("ignore")  # what torch's exporter says about itself
def test_a_real_detr_exported_by_torch(tmp_path):
    """transformers' YOLOS through torch's exporter, against what transformers finds itself."""
    import torch
    from sampipe_integrations.transformers import TransformersDetector
    from tiny_transformers import write_yolos
    from transformers import AutoModelForObjectDetection

    folder = write_yolos(tmp_path / "yolos")
    model = AutoModelForObjectDetection.from_pretrained(folder).eval().requires_grad_(False)

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, pixel_values):
            outputs = self.model(pixel_values)
            return outputs.logits, outputs.pred_boxes

    square = sp.Image.from_pil(sp.Image.open("sample:chelsea").to_pil().resize((SIDE, SIDE)))
    torch.onnx.export(
        Both(), (torch.zeros(1, 3, SIDE, SIDE),), str(tmp_path / "yolos.onnx"), dynamo=False,
        input_names=["pixel_values"], output_names=["logits", "pred_boxes"],
    )  # fmt: skip
    document = {
        "file": "yolos.onnx",
        "classes": ["nut", "bolt"],
        "input": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        "head": DETR,
    }
    (tmp_path / "yolos.yaml").write_text(yaml.safe_dump(document))
    found = OnnxDetector(description=str(tmp_path / "yolos.yaml"), confidence=0.0)(square)
    wanted = TransformersDetector(model=folder, confidence=0.0, device="cpu")(square)
    assert len(found) == len(wanted) > 0 and found.labels == wanted.labels
    assert np.allclose(found.boxes, wanted.boxes, atol=0.01) and np.allclose(found.scores, wanted.scores, atol=1e-3)


def test_it_behaves_as_a_node_with_a_short_name(described):
    path = described({"output0": ROWS[None]}, YOLO)
    check_node(OnnxDetector(description=path))
    assert detector(f"onnx_described:{path}") == OnnxDetector(description=path)
    missing = [one.name for one in OnnxDetector(description="none.yaml").requirements() if not one.is_met()]
    assert missing == ["none.yaml"]
