"""Every snippet of docs/detectors.md runs, and prints what the page says."""

import re
from pathlib import Path

import pytest
import torch
from sampipe_integrations._published import PublishedFile
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone
from torchvision.models import get_model, get_model_weights

PAGE = Path(__file__).parents[2] / "docs" / "detectors.md"
SNIPPETS = re.findall(r"```python\n(.*?)```\n(?:```\n(.*?)```)?", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Stand-ins of random weights where the published files would be, so that nothing is downloaded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def put_yolox(folder, monkeypatch, request):
    file = request.getfixturevalue("shared_data") / "detectors" / "yolox_nano.onnx"
    monkeypatch.setenv("SAMPIPE_YOLOX_NANO", str(file))


def put_torchvision(folder, monkeypatch, request):
    name = "ssdlite320_mobilenet_v3_large"
    network = get_model(name, weights=None, weights_backbone=None, num_classes=91)
    torch.save(network.state_dict(), folder / Path(get_model_weights(name)["DEFAULT"].url).name)
    monkeypatch.setattr(PublishedFile, "_check", lambda self, path: None)


def put_ultralytics(folder, monkeypatch, request):
    with side_effects_undone():
        load_ultralytics().YOLO("yolo11n.yaml").save(str(folder / "yolo11n.pt"))


STAND_INS = {
    "sampipe_integrations.onnx": put_yolox,
    "sampipe_integrations.torchvision": put_torchvision,
    "sampipe_integrations.ultralytics": put_ultralytics,
}


@pytest.mark.parametrize(("code", "output"), SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_runs_as_written(code, output, published, monkeypatch, request, capsys):
    for module, put in STAND_INS.items():
        if module in code:
            put(published, monkeypatch, request)
    exec(compile(code, str(PAGE), "exec"), {"__name__": "snippet"})
    printed = capsys.readouterr().out
    assert printed and (not output or printed == output)


def test_every_detector_has_a_snippet():
    assert len(SNIPPETS) == 5
    for module in ("skimage", *STAND_INS):
        assert any(module in code for code, _ in SNIPPETS)
