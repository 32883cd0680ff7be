"""A job notices other weights under the same name: every detector with a file says which one it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file
from sampipe_integrations.onnx import OnnxDetector, YoloxDetector
from sampipe_integrations.torchvision import TorchvisionDetector, TorchvisionKeypoints
from sampipe_integrations.ultralytics import UltralyticsDetector, YoloWorld

import sampipe as sp
from sampipe.jobs.fingerprint import fingerprint
from sampipe.models.weights.checkpoints import file_digest


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        (UltralyticsDetector, ".pt"),
        (YoloWorld, ".pt"),
        (YoloxDetector, ".onnx"),
        (TorchvisionDetector, ".safetensors"),
        (TorchvisionKeypoints, ".safetensors"),
    ],
)
def test_the_digest_is_that_of_the_file(kind: type[sp.Node], suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"weights{suffix}"
    save_file({"a": torch.ones(3)}, file)  # nothing reads it but the digest
    node = kind(weights=str(file))
    first = node.weights_digest()
    assert first == file_digest(file)
    save_file({"a": torch.zeros(3)}, file)
    assert node.weights_digest() == file_digest(file) != first


def test_a_described_model_changes_with_either_file(tmp_path: Path) -> None:
    model, description = tmp_path / "model.onnx", tmp_path / "model.yaml"
    model.write_bytes(b"one")
    head = {"kind": "yolo", "units": "pixels", "scores": "probabilities"}
    description.write_text(yaml.safe_dump({"file": "model.onnx", "head": head, "classes": ["cup"]}))
    node = OnnxDetector(description=str(description))
    digests = {node.weights_digest()}
    model.write_bytes(b"two")
    digests.add(node.weights_digest())
    description.write_text(description.read_text().replace("cup", "mug"))
    assert len({*digests, node.weights_digest()}) == 3


def test_a_job_s_fingerprint_holds_it(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"one")
    detect = UltralyticsDetector(weights=str(weights))

    def boxes(image: sp.Image) -> sp.Prompts:
        return detect(image)

    before = fingerprint(sp.trace(boxes), [], [])["weights"]
    weights.write_bytes(b"two")
    after = fingerprint(sp.trace(boxes), [], [])["weights"]
    assert list(before) == list(after) and before != after
