"""Every script of demos/integrations runs, with nano and the real packages; the pages show the same scripts."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from hosts import host

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "demos" / "integrations").glob("*.py"))
PAGES = sorted((ROOT / "docs" / "integrations").glob("*.md"))
HOSTS = {"fiftyone_masks": "fiftyone", "roboflow_workflow": "roboflow_workflows"}
PRINTS = {
    "boxes_from_files": "('face',) True",
    "fiftyone_masks": "face bool True",
    "key_points": "('face',) [[1, 1, -1]]",
    "label_studio_boxes": "('face',) True",
    "onnx_described": "1 objects ('bolt',)",
    "raster_tiles": "objects in EPSG:32632, True",
    "roboflow_workflow": "(1, 512, 512) face",
    "supervision_masks": "(1, 512, 512) face True",
    "supervision_tiles": "['face'] (512, 512)",
    "torchvision_boxes": "objects",
    "transformers_masks": "['masks', 'scores'] True",
    "ultralytics_masks": "corners",
}


def random_weights(script: str, folder: Path) -> list[str]:
    """What a script takes on its command line, so that it need not download weights."""
    if script == "ultralytics_masks":
        from random_yolo import write_yolo

        return [write_yolo(folder / "random.pt")]
    if script == "torchvision_boxes":
        import torch
        from torchvision.models import get_model

        torch.manual_seed(0)
        network = get_model("ssdlite320_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=91)
        torch.save(network.state_dict(), folder / "random.pth")
        return [str(folder / "random.pth")]
    if script == "transformers_masks":
        from tiny_transformers import write_detr

        return [write_detr(folder / "detr")]
    if script == "onnx_described":
        import yaml
        from test_onnx_described import YOLO, write_model

        write_model(folder / "model.onnx", {"rows": [[[32, 32, 32, 16, 0.1, 0.9]]]})
        described = {"file": "model.onnx", "classes": ["nut", "bolt"], "head": YOLO}
        (folder / "model.yaml").write_text(yaml.safe_dump(described))
        return [str(folder / "model.yaml")]
    return []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what the packages say about themselves
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_and_prints(script, tmp_path, monkeypatch, capsys):
    if script.stem in HOSTS:
        host(HOSTS[script.stem], f"an environment with {HOSTS[script.stem]}")
    monkeypatch.chdir(tmp_path)
    if script.stem == "ultralytics_masks":  # it imports the package plainly; here that must leave no traces
        from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

        with side_effects_undone():
            load_ultralytics()
            monkeypatch.setattr(sys, "argv", [script.name, *random_weights(script.stem, tmp_path)])
            runpy.run_path(str(script), run_name="__main__")
    else:
        monkeypatch.setattr(sys, "argv", [script.name, *random_weights(script.stem, tmp_path)])
        runpy.run_path(str(script), run_name="__main__")
    assert PRINTS[script.stem] in capsys.readouterr().out


def test_every_page_shows_a_script_as_it_is():
    shown = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            same = [path.stem for path in SCRIPTS if path.read_text(encoding="utf-8") == block]
            assert same or page.stem == "comfyui", f"{page.name}: its example is no script of demos/integrations"
            shown |= set(same)
    assert shown == {path.stem for path in SCRIPTS} - {"supervision_tiles"}


def test_the_example_of_the_comfyui_page_runs(capsys):
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/integrations/comfyui.md").read_text(), re.DOTALL)
    exec(compile(block, "comfyui.md", "exec"), {"__name__": "snippet"})
    assert capsys.readouterr().out == "(1, 512, 512) face\n"


def test_the_table_names_pages_and_tests_that_are_there():
    table = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(integrations/(\w+)\.md\)", table))
    assert linked == {page.stem for page in PAGES}
    known = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"`(test_\w+\.py)`", table))
    assert len(named) > 15
    assert named <= known


def test_the_command_of_the_new_node_page_is_there():
    assert shutil.which("sampipe", path=str(Path(sys.executable).parent))
    page = (ROOT / "docs" / "integrations" / "new_node.md").read_text(encoding="utf-8")
    assert "sampipe new-node bright_spots\n" in page
