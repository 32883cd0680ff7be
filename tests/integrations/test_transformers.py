"""transformers: its detectors, against the package itself."""

import numpy as np
import pytest
import torch
from sampipe_integrations.transformers import TransformersDetector
from tiny_transformers import write_detr, write_sam, write_yolos

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe.testing import check_node

WRITERS = {"detr": write_detr, "yolos": write_yolos, "sam": write_sam}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {name: write(folder / name) for name, write in WRITERS.items()}


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:chelsea")


@pytest.mark.parametrize("name", ["detr", "yolos"])
def test_detections_are_those_of_transformers(models, picture, name):
    from transformers import AutoImageProcessor, AutoModelForObjectDetection

    processor = AutoImageProcessor.from_pretrained(models[name])
    model = AutoModelForObjectDetection.from_pretrained(models[name])
    with torch.inference_mode():
        outputs = model(**processor(images=picture.to_pil(), return_tensors="pt"))
    wanted = processor.post_process_object_detection(outputs, threshold=0.0, target_sizes=[picture.hw])[0]
    found = TransformersDetector(model=models[name], confidence=0.0, device="cpu")(picture)
    assert len(found) + found.dropped == len(wanted["boxes"]) > 0
    order = np.argsort(-wanted["scores"].numpy(), kind="stable")
    if not found.dropped:
        assert np.allclose(found.scores, wanted["scores"].numpy()[order], atol=1e-6)
        clipped = wanted["boxes"].numpy()[order].clip(0, [451, 300, 451, 300])
        assert np.allclose(found.boxes, clipped, atol=0.01)
        assert found.class_ids.tolist() == wanted["labels"].numpy()[order].tolist()
    assert set(found.labels) <= {"nut", "bolt", "washer"}


def test_classes_and_nothing_found(models, picture):
    every = TransformersDetector(model=models["detr"], confidence=0.0, device="cpu")(picture)
    name = every.labels[0]
    some = TransformersDetector(model=models["detr"], confidence=0.0, classes=name, device="cpu")(picture)
    assert set(some.labels) == {name} and len(some) == every.labels.count(name)
    assert TransformersDetector(model=models["detr"], confidence=1.0)(picture).boxes.shape == (0, 4)
    with pytest.raises(sp.DataError, match=r"no class 'nutt'\. Did you mean 'nut'"):
        TransformersDetector(model=models["detr"], classes="nutt")(picture)


def test_wrong_models_are_refused(models, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    broken = tmp_path / "broken"
    write_detr(broken)
    tensors = load_file(broken / "model.safetensors")
    tensors.pop("class_labels_classifier.weight")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    pickled = tmp_path / "pickled"
    write_detr(pickled)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    for node, reason in (
        (TransformersDetector(model=str(broken)), r"would stay random, such as class_labels_classifier.weight"),
        (TransformersDetector(model=str(pickled)), "cannot load an object detector"),
        (TransformersDetector(model=models["sam"]), "cannot load an object detector"),
        (TransformersDetector(model="nobody/nothing-here"), "nobody/nothing-here: transformers cannot load"),
    ):
        with pytest.raises(sp.CheckpointError, match=reason):
            node.warm()


def test_what_is_missing_is_said_before_anything_loads(models):
    node = TransformersDetector(model="nobody/nothing-here")
    assert [one.name for one in node.requirements() if not one.is_met()] == ["nobody/nothing-here"]
    assert detector("transformers:facebook/detr-resnet-50", confidence=0.7).changed_params() == {
        "model": "facebook/detr-resnet-50",
        "confidence": 0.7,
    }


@pytest.mark.parametrize("name", ["detr", "yolos"])
def test_they_behave_as_nodes(models, picture, name):
    check_node(TransformersDetector(model=models[name], confidence=0.1, device="cpu"), image=picture)
