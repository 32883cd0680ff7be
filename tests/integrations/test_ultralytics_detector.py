"""The real ultralytics: its detections, none of the code in its files, no traces in the process."""

import logging
import os
import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from random_yolo import SIZE, write_yolo
from sampipe_integrations.ultralytics import UltralyticsDetector
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

import sampipe as sp
from sampipe.testing import check_node


@pytest.fixture(scope="module")
def yolo_weights(tmp_path_factory):
    return write_yolo(tmp_path_factory.mktemp("yolo") / "random.pt")


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:chelsea")


@pytest.fixture
def detector(yolo_weights):
    return UltralyticsDetector(weights=yolo_weights, confidence=0.05, image_size=SIZE, max_detections=20)


def test_detections_are_those_of_ultralytics(detector, picture, yolo_weights, tmp_path):
    picture.to_pil().save(tmp_path / "picture.png")  # ultralytics reads the file itself: its own color order
    with side_effects_undone():
        model = load_ultralytics().YOLO(yolo_weights)
        file = str(tmp_path / "picture.png")
        wanted = model.predict(file, conf=0.05, imgsz=SIZE, max_det=20, verbose=False, device="cpu")[0].boxes
    found = detector(picture)
    assert len(found) == len(wanted) > 3
    assert np.array_equal(found.class_ids, wanted.cls.numpy())
    assert np.allclose(found.scores, wanted.conf.numpy(), atol=1e-5)
    assert np.allclose(found.boxes, wanted.xyxy.numpy(), atol=1e-2)
    assert found.labels == tuple(model.names[int(class_id)] for class_id in wanted.cls)
    assert found.source == ("ultralytics.UltralyticsDetector@1",) * len(found)


def test_classes_by_name_and_id(detector, picture, yolo_weights):
    label, class_id = detector(picture).labels[0], int(detector(picture).class_ids[0])
    for classes in (label, [class_id]):
        chosen = UltralyticsDetector(weights=yolo_weights, confidence=0.05, image_size=SIZE, classes=classes)
        assert set(chosen(picture).labels) == {label}
    with pytest.raises(sp.DataError, match=r"no class 'unicorn'.*0 thing 0, 1 thing 1"):
        UltralyticsDetector(weights=yolo_weights, classes="unicorn")(picture)


def test_no_detection_is_a_typed_empty(picture, yolo_weights):
    found = UltralyticsDetector(weights=yolo_weights, confidence=1.0, image_size=SIZE)(picture)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4) and found.labels == () and found.scores.shape == (0,)


def test_threads_with_different_parameters_do_not_mix(picture, yolo_weights):
    nodes = [
        UltralyticsDetector(weights=yolo_weights, confidence=confidence, image_size=size)
        for confidence in (0.05, 0.5, 0.9)
        for size in (SIZE, 2 * SIZE)
    ]
    assert len({id(node.model) for node in nodes}) == 1
    alone = [node(picture) for node in nodes]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda node: node(picture), nodes * 4))
    for found, wanted in zip(together, alone * 4, strict=True):
        assert np.array_equal(found.boxes, wanted.boxes) and np.array_equal(found.scores, wanted.scores)


def test_it_behaves_as_a_node(detector, picture):
    check_node(detector, image=picture)


def test_rt_detr(tmp_path, picture):
    weights = write_yolo(tmp_path / "rtdetr.pt", "rtdetr-l.yaml")
    found = UltralyticsDetector(weights=weights, confidence=0.01, image_size=SIZE, max_detections=30)(picture)
    assert len(found) == 30
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (found.boxes >= 0).all() and (found.boxes <= [451, 300, 451, 300]).all()


class _Trap:
    """Unpickling it makes a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_file_that_runs_code_is_refused_and_runs_nothing(tmp_path):
    marker = tmp_path / "it_ran"
    trap = _Trap(marker)
    torch.save({"model": trap, "train_args": {}}, tmp_path / "zip.pt")
    torch.save({"model": trap}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(trap))
    for name in ("zip.pt", "old.pt", "plain.pt"):
        with pytest.raises(sp.CheckpointError, match=name):
            UltralyticsDetector(weights=str(tmp_path / name)).warm()
        assert not marker.exists()


def test_a_trap_inside_a_real_model_is_refused(tmp_path, yolo_weights):
    with side_effects_undone():
        load_ultralytics()
        checkpoint = torch.load(yolo_weights, weights_only=False)
    checkpoint["model"].model[0].conv.note = _Trap(tmp_path / "it_ran")
    torch.save(checkpoint, tmp_path / "trapped.pt")
    with pytest.raises(sp.CheckpointError, match="nothing in it was run"):
        UltralyticsDetector(weights=str(tmp_path / "trapped.pt")).warm()
    assert not (tmp_path / "it_ran").exists()


def test_files_that_are_no_detector_are_refused(tmp_path, yolo_weights):
    whole = Path(yolo_weights).read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "model.yaml").write_text("nc: 1")
    write_yolo(tmp_path / "classify.pt", "yolo11n-cls.yaml")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "state.pt")
    cases = {
        "cut.pt": "refused",
        "empty.pt": "refused",
        "state.pt": "refused",
        "model.yaml": r"not a \.pt file",
        "none.pt": "no such file",
        "classify.pt": "'classify', which gives no boxes",
    }
    for name, reason in cases.items():
        with pytest.raises(sp.CheckpointError, match=reason) as caught:
            UltralyticsDetector(weights=str(tmp_path / name)).warm()
        assert name in str(caught.value)


def test_a_published_name_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sp.CheckpointError) as caught:
        UltralyticsDetector().warm()
    assert "/v8.4.0/yolo11n.pt" in str(caught.value)
    assert str(tmp_path / "hub" / "checkpoints" / "yolo11n.pt") in str(caught.value)


def test_malicious_releases_are_not_imported(monkeypatch):
    monkeypatch.setattr("sampipe_integrations.ultralytics.quarantine.version", lambda name: "8.3.41")
    with pytest.raises(sp.MissingDependencyError, match=r"malicious.*pip install"):
        load_ultralytics.__wrapped__()


def test_the_licence_is_said_when_it_loads(caplog):
    with caplog.at_level(logging.WARNING, logger="sampipe.ultralytics"):
        load_ultralytics.__wrapped__()
    assert "AGPL-3.0" in caplog.text


@pytest.fixture
def never_imported(monkeypatch):
    """ultralytics as if nobody had imported it yet."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "ultralytics"}
    for name in kept:
        del sys.modules[name]
    load_ultralytics.cache_clear()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "ultralytics"]:
        del sys.modules[name]
    sys.modules.update(kept)
    load_ultralytics.cache_clear()


def _process_state():
    return {
        "environment": {**os.environ, "PYTEST_CURRENT_TEST": ""},
        "PIL.Image.open": PIL.Image.open,
        "torch.save": torch.save,
        "torch threads": torch.get_num_threads(),
        "cv2 threads": cv2.getNumThreads(),
        "warning filters": list(warnings.filters),
        "numpy printing": str(np.get_printoptions()),
        "torch printing": str(torch.tensor([1 / 3, 1e6])),
        "home": sorted(Path.home().iterdir()),
    }


def test_the_process_stays_as_it_was(never_imported, yolo_weights, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.chdir(tmp_path)
    threads = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(2)
    torch.set_num_threads(3)
    before = _process_state()
    UltralyticsDetector(weights=yolo_weights, image_size=SIZE, device="cpu")(picture)
    after = _process_state()
    cv2.setNumThreads(threads[0])
    torch.set_num_threads(threads[1])
    assert after == before


def test_ultralytics_is_imported_hardened(never_imported):
    load_ultralytics()
    utils, tasks = sys.modules["ultralytics.utils"], sys.modules["ultralytics.nn.tasks"]
    assert utils.SAFE_LOAD and tasks.SAFE_LOAD
    assert not utils.AUTOINSTALL and not utils.ONLINE and not utils.VERBOSE
    assert "sampipe-ultralytics-" in str(utils.USER_CONFIG_DIR)
    assert not sys.modules["ultralytics.utils.events"].events.enabled


def test_weights_are_read_safely_also_where_ultralytics_was_there_first(never_imported, tmp_path):
    with side_effects_undone():
        os.environ["ULTRALYTICS_SAFE_LOAD"] = "0"
        import ultralytics.nn.tasks

        assert not ultralytics.nn.tasks.SAFE_LOAD
    torch.save({"model": _Trap(tmp_path / "it_ran")}, tmp_path / "trap.pt")
    with pytest.raises(sp.CheckpointError, match="nothing in it was run"):
        UltralyticsDetector(weights=str(tmp_path / "trap.pt")).warm()
    assert not (tmp_path / "it_ran").exists()
