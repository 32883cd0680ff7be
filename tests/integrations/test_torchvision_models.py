"""Every detection model of torchvision, with random weights and small pictures; key points as points."""

import numpy as np
import pytest
import torch
from sampipe_integrations.torchvision import TorchvisionDetector, TorchvisionKeypoints
from sampipe_integrations.torchvision.loading import LoadedDetector
from torchvision.models import detection, get_model, list_models
from torchvision.models.detection import KeypointRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

import sampipe as sp
from sampipe.testing import check_node

SMALL = {"min_size": 64, "max_size": 96}
FIXED = ("ssd300_vgg16", "ssdlite320_mobilenet_v3_large")


@pytest.fixture(scope="module")
def picture():
    return sp.Image.from_pil(sp.Image.open("sample:coffee").to_pil().resize((96, 64)))


@pytest.mark.parametrize("name", list_models(module=detection))
def test_every_model_gives_prompts(name, picture, monkeypatch):
    torch.manual_seed(0)
    size = {} if name in FIXED else SMALL
    few = "rcnn" in name
    size |= {"box_detections_per_img": 5, "rpn_post_nms_top_n_test": 20} if few else {"detections_per_img": 5}
    classes = {} if name.startswith("keypoint") else {"num_classes": 4}
    module = get_model(name, weights=None, weights_backbone=None, **classes, **size).eval()
    loaded = LoadedDetector(module, {1: "nut", 2: "bolt", 3: "washer"}, torch.device("cpu"))
    monkeypatch.setattr(TorchvisionDetector, "network", loaded)  # its weights would be a file of 160 MB
    found = TorchvisionDetector(model=name, confidence=0.0)(picture)
    with torch.inference_mode():
        wanted = module([torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1) / 255])[0]
    assert len(found) + found.dropped == len(wanted["boxes"])
    assert found.class_ids.tolist() == wanted["labels"].tolist()[: len(found)] or found.dropped
    assert set(found.labels) <= {"nut", "bolt", "washer"}


def keypoint_network():
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=16, padding=1))
    backbone.out_channels = 8
    anchors = AnchorGenerator(sizes=((16, 32),), aspect_ratios=((1.0,),))
    pool = MultiScaleRoIAlign(featmap_names=["0"], output_size=7, sampling_ratio=2)
    limits = {"box_score_thresh": 0.0, "box_detections_per_img": 4, **SMALL}
    parts = {"rpn_anchor_generator": anchors, "keypoint_roi_pool": pool}
    return KeypointRCNN(backbone, num_classes=2, num_keypoints=5, **parts, **limits).eval()


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Parameters that make torchvision's Keypoint R-CNN on a backbone of one layer, its weights from a file."""
    torch.save(keypoint_network().state_dict(), tmp_path / "people.pth")
    monkeypatch.setattr("torchvision.models.get_model", lambda name, **_: keypoint_network())
    return {"weights": str(tmp_path / "people.pth"), "class_names": ["person"], "confidence": 0.0, "device": "cpu"}


def test_key_points_become_points(asked, picture):
    found = TorchvisionKeypoints(keypoint_confidence=-1e9, **asked)(picture)
    with torch.inference_mode():
        wanted = keypoint_network()([torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1) / 255])[0]
    assert len(found) == len(wanted["boxes"]) > 0 and found.points.shape == (len(found), 5, 2)
    assert np.allclose(found.points, wanted["keypoints"][..., :2].numpy().clip(0, [95, 63]), atol=1)
    assert found.labels == ("person",) * len(found) and found.has_boxes.all()


def test_unseen_points_and_boxes_left_out(asked, picture):
    found = TorchvisionKeypoints(keypoint_confidence=-1e9, boxes=False, max_points=2, **asked)(picture)
    assert found.boxes is None and ((found.point_labels == 1).sum(axis=1) == 2).all()
    boxes = TorchvisionKeypoints(keypoint_confidence=1e9, **asked)(picture)
    assert len(boxes) == len(found) and not boxes.has_points.any()
    assert TorchvisionKeypoints(**{**asked, "confidence": 1.0})(picture).boxes.shape == (0, 4)


def test_it_behaves_as_a_node(asked, picture):
    check_node(TorchvisionKeypoints(**asked), image=picture)


def test_a_model_without_key_points_is_said(picture, monkeypatch):
    module = get_model("ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=3).eval()
    monkeypatch.setattr(TorchvisionDetector, "network", LoadedDetector(module, {1: "nut"}, torch.device("cpu")))
    with pytest.raises(sp.CheckpointError, match="gives no key points; wanted keypointrcnn"):
        TorchvisionKeypoints(confidence=0.0)(picture)
