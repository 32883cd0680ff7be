"""Every detector by its short name, in a graph file, and without loading what it stands on."""

import subprocess
import sys

import pytest

import sampipe as sp
from sampipe.graph.registry import detector

NODES = {
    "face": ("skimage.FaceDetector@1", {"min_size": 40}),
    "onnx:some.onnx": ("onnx.YoloxDetector@1", {"weights": "some.onnx", "classes": ["cat", 0]}),
    "yolox_nano": ("onnx.YoloxDetector@1", {"confidence": 0.2}),
    "yolox_nano:mine.onnx": ("onnx.YoloxDetector@1", {"weights": "mine.onnx"}),
    "torchvision": ("torchvision.TorchvisionDetector@1", {"classes": "person"}),
    "torchvision:ssd300_vgg16": ("torchvision.TorchvisionDetector@1", {"model": "ssd300_vgg16"}),
    "torchvision_keypoints": ("torchvision.TorchvisionKeypoints@1", {"max_points": 5}),
    "torchvision_keypoints:mine.pth": ("torchvision.TorchvisionKeypoints@1", {"weights": "mine.pth"}),
    "ultralytics": ("ultralytics.UltralyticsDetector@1", {"iou": 0.5}),
    "ultralytics:rtdetr-l.pt": (
        "ultralytics.UltralyticsDetector@1",
        {"weights": "rtdetr-l.pt", "confidence": 0.4},
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_a_short_name_makes_a_node_that_a_graph_file_keeps(name):
    type_id, params = NODES[name]
    given = {key: value for key, value in params.items() if key not in ("weights", "model")}
    node = detector(name, **given)
    assert node.type_id == type_id
    assert node.changed_params() == params

    def pipeline(image: sp.Image) -> sp.Prompts:
        return node(image)

    graph = sp.trace(pipeline)
    assert sp.Graph.from_yaml(graph.to_yaml()) == graph


def test_the_face_detector_takes_no_argument():
    with pytest.raises(sp.SpecError, match="takes no argument"):
        detector("face:big")


@pytest.mark.parametrize("name", ["yolox_nano", "torchvision", "ultralytics"])
@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_its_range_is_refused(name, confidence):
    with pytest.raises(sp.SpecError, match=r"confidence=.* wanted a number from 0 to 1"):
        detector(name, confidence=confidence)


def test_check_says_what_is_missing_without_importing_it(tmp_path):
    code = """
import sys
from sampipe.graph.registry import detector
for name in ("face", "yolox_nano", "torchvision", "ultralytics"):
    node = detector(name)
    report = [requirement for requirement in node.requirements() if not requirement.is_met()]
    print(name, [(one.kind, one.name) for one in report])
    for one in report:
        print(one.fix)
print(sorted({"torch", "torchvision", "onnxruntime", "ultralytics", "skimage", "cv2"} & set(sys.modules)))
"""
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "", "HOME": str(tmp_path), "TORCH_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "face []" in shown
    assert "yolox_nano [('weights', 'yolox_nano.onnx')]" in shown
    assert "torchvision [('weights', 'fasterrcnn_mobilenet_v3_large_fpn DEFAULT')]" in shown
    assert "ultralytics [('weights', 'yolo11n.pt')]" in shown
    assert str(tmp_path / "hub" / "checkpoints" / "yolox_nano.onnx") in shown
    assert shown.endswith("[]\n")
