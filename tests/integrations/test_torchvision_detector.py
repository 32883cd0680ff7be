"""torchvision: real architectures, random weights from files, never random ones in silence."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sampipe_integrations._published import PublishedFile
from sampipe_integrations.torchvision import TorchvisionDetector
from sampipe_integrations.torchvision.loading import LoadedDetector
from torchvision.models import get_model, get_model_weights
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator

import sampipe as sp
from sampipe.testing import check_node

SMALL = "ssdlite320_mobilenet_v3_large"
LOW = 0.1


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = get_model(SMALL, weights=None, weights_backbone=None, num_classes=91).eval()
    for head in network.head.classification_head.module_list:
        torch.nn.init.normal_(head[-1].bias, std=2)  # so that some classes are more likely than others
    return network


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("torchvision") / "random.pth"
    torch.save(network.state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:coffee")


@pytest.fixture
def detector(weights):
    return TorchvisionDetector(model=SMALL, weights=weights, confidence=LOW, device="cpu")


def test_detections_are_those_of_torchvision(detector, network, picture):
    with torch.inference_mode():
        wanted = network([torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1) / 255])[0]
    keep = (wanted["scores"] >= LOW).numpy()
    found = detector(picture)
    assert len(found) == keep.sum() > 3
    assert np.allclose(found.scores, wanted["scores"].numpy()[keep], atol=1e-5)
    assert np.array_equal(found.class_ids, wanted["labels"].numpy()[keep])
    assert np.allclose(found.boxes, wanted["boxes"].numpy()[keep], atol=0.01)
    assert found.source == ("torchvision.TorchvisionDetector@1",) * len(found)
    categories = get_model_weights(SMALL)["DEFAULT"].meta["categories"]
    assert found.labels == tuple(
        str(class_id) if categories[class_id] == "N/A" else categories[class_id] for class_id in found.class_ids
    )


def test_classes_by_name_and_id(weights, detector, picture):
    class_id = int(detector(picture).class_ids[0])
    chosen = TorchvisionDetector(model=SMALL, weights=weights, confidence=LOW, classes=[class_id], device="cpu")
    assert set(chosen(picture).class_ids) == {class_id}
    with pytest.raises(sp.DataError, match=r"no class 'persn'. Did you mean 'person'"):
        TorchvisionDetector(model=SMALL, weights=weights, classes="persn")(picture)


def test_own_classes_from_a_file_of_either_kind(tmp_path, picture):
    network = get_model(SMALL, weights=None, weights_backbone=None, num_classes=3).eval()
    frozen = {name: value for name, value in network.state_dict().items() if "num_batches_tracked" not in name}
    torch.save({"model": frozen, "epoch": 3}, tmp_path / "own.pth")
    save_file(frozen, tmp_path / "own.safetensors")
    found = [
        TorchvisionDetector(
            model=SMALL,
            weights=str(tmp_path / file),
            class_names=["nut", "bolt"],
            confidence=0.1,
            device="cpu",
        )(picture)
        for file in ("own.pth", "own.safetensors")
    ]
    assert len(found[0]) > 0 and set(found[0].labels) <= {"nut", "bolt"}
    assert np.array_equal(found[0].boxes, found[1].boxes)


def test_weights_that_do_not_fit_are_refused(tmp_path, weights):
    torch.save({"head.weight": torch.zeros(3)}, tmp_path / "other.pth")
    cases = [
        ({"weights": weights, "class_names": ["nut"]}, "does not fit .* with 2 classes"),
        ({"weights": str(tmp_path / "other.pth")}, "is not a state dict of ssdlite"),
        ({"weights": str(tmp_path / "none.pth")}, "no such file"),
        ({"weights": "IMAGENET"}, "no published weights 'IMAGENET'.*COCO_V1"),
        ({"model": "yolo"}, "no detection model 'yolo'.*fasterrcnn_mobilenet_v3_large_fpn"),
        ({"class_names": ["nut"]}, "class_names belong to a weights file"),
    ]
    for params, reason in cases:
        with pytest.raises(sp.CheckpointError, match=reason):
            TorchvisionDetector(**{"model": SMALL, **params}).warm()


class _Trap:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_file_that_runs_code_is_refused_and_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    published = Path(get_model_weights(SMALL)["DEFAULT"].url).name
    cached = tmp_path / "hub" / "checkpoints" / published
    cached.parent.mkdir(parents=True)
    monkeypatch.setattr(PublishedFile, "_check", lambda self, path: None)  # as if its digest had been forged
    for path, file in ((tmp_path / "trap.pth", str(tmp_path / "trap.pth")), (cached, "DEFAULT")):
        torch.save({"model": _Trap(tmp_path / "it_ran")}, path)
        with pytest.raises(sp.CheckpointError, match="refused"):
            TorchvisionDetector(model=SMALL, weights=file).warm()
        assert not (tmp_path / "it_ran").exists()


def test_published_weights_come_from_the_cache_of_torch(tmp_path, monkeypatch, network, weights, picture, detector):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    entry = get_model_weights(SMALL)["DEFAULT"]
    path = tmp_path / "hub" / "checkpoints" / Path(entry.url).name
    path.parent.mkdir(parents=True)
    path.write_bytes(Path(weights).read_bytes())
    node = TorchvisionDetector(model=SMALL, confidence=LOW, device="cpu")
    assert all(requirement.is_met() for requirement in node.requirements())
    with pytest.raises(sp.CheckpointError, match="not the file that its makers published"):
        node.warm()
    monkeypatch.setattr(PublishedFile, "_check", lambda self, path: None)  # ours cannot have the official digest
    assert np.array_equal(node(picture).boxes, detector(picture).boxes)


def test_without_a_network_there_are_no_random_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    node = TorchvisionDetector()
    missing = [requirement for requirement in node.requirements() if not requirement.is_met()]
    assert [requirement.kind for requirement in missing] == ["weights"]
    with pytest.raises(sp.CheckpointError) as caught:
        node.warm()
    name = "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth"
    assert f"https://download.pytorch.org/models/{name}" in str(caught.value)
    assert str(tmp_path / "hub" / "checkpoints" / name) in str(caught.value)


def test_of_a_mask_model_only_the_boxes_are_used(picture):
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=16, padding=1))
    backbone.out_channels = 8
    anchors = AnchorGenerator(sizes=((16, 32),), aspect_ratios=((1.0,),))
    limits = {"min_size": 64, "max_size": 96, "box_score_thresh": 0.0, "box_detections_per_img": 5}
    network = MaskRCNN(backbone, num_classes=3, rpn_anchor_generator=anchors, **limits).eval()
    boxes, class_ids, scores = LoadedDetector(network, {1: "nut", 2: "bolt"}, torch.device("cpu")).detect(picture)
    assert len(boxes) == len(class_ids) == len(scores) > 0
    assert boxes.shape[1] == 4 and set(class_ids) <= {1, 2}


def test_it_behaves_as_a_node(detector, picture):
    check_node(detector, image=picture)
