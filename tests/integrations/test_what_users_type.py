"""Each row of "What a user types" in docs/integrations.md is run as it stands, with small models for those it names."""

import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
import yaml
from hosts import host
from tiny_transformers import write_sam2, write_sam3, write_sam_hq
from typer.testing import CliRunner

import sampipe
import sampipe as sp
from sampipe.cli import app

ROOT = Path(__file__).parents[2]
SECTION = (
    (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8").split("## What a user types")[1].split("\n## ")[0]
)
ROWS = dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", SECTION, re.MULTILINE)[1:])
PICTURE = sp.Image.open("sample:astronaut")
BOX = [175, 66, 274, 165]


def typed(row, **instead):
    """What stands in code style in a row, with other words in place of some of its own."""
    text = re.search(r"`([^`]+)`", ROWS[row])[1]
    for name, other in instead.items():
        assert name in text, f"{row}: {text}"
        text = text.replace(name, other)
    return text


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PICTURE.to_pil().save("photo.jpg")
    return tmp_path


def run_in_a_shell(text):
    program, *words = shlex.split(text)
    assert program == "sampipe"
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output


def test_every_row_has_a_test():
    tested = Path(__file__).read_text(encoding="utf-8")
    assert len(ROWS) == 14 and not [row for row in ROWS if f'("{row}"' not in tested and f'["{row}"]' not in tested]


def test_python(here):
    from sampipe.nodes import Segment

    masks = eval(typed("Python", **{"sam2.1_hiera_t": write_sam2(here / "sam2")}), {"Segment": Segment, "sp": sp})
    assert len(masks) == 1 and masks.hw == (512, 512)


def test_a_shell(here):
    run_in_a_shell(typed("a shell", sam3=write_sam3(here / "sam3")) + " --text-threshold 0.01 --device cpu --out out")
    assert (here / "out" / "annotations.json").is_file()


def test_supervision():
    given = {"sampipe": sampipe, "image": PICTURE.pixels, "detections": sv.Detections(xyxy=np.array([BOX], np.float32))}
    exec(typed("supervision", vit_b="nano"), given)
    assert given["detections"].mask.shape == (1, 512, 512)


def test_ultralytics():
    from sampipe_integrations.ultralytics import masks_callback

    class Yolo:
        def add_callback(self, event, callback):
            self.added = event, callback

    yolo = Yolo()
    exec(typed("ultralytics", vit_b="nano"), {"yolo": yolo, "masks_callback": masks_callback})
    event, callback = yolo.added  # which events there are, and a callback at work: test_ultralytics_callback.py
    assert event in (Path(__file__).with_name("test_ultralytics_callback.py")).read_text(encoding="utf-8")
    assert callable(callback)


def test_transformers(here):
    from sampipe_integrations.transformers import MaskGenerator

    given = {"MaskGenerator": MaskGenerator, "image": PICTURE.to_pil()}
    text = typed("transformers", **{"sam_hq_vit_b": write_sam_hq(here / "hq"), '")(': '", points_per_crop=2)('})
    assert isinstance(eval(text, given), list)


def test_fiftyone(here):
    fo = host("fiftyone", "an environment with fiftyone")
    from sampipe_integrations.fiftyone.model import SampipeModel

    name = "sampipe-what-users-type"
    if fo.dataset_exists(name):
        fo.delete_dataset(name)
    dataset = fo.Dataset(name)
    face = fo.Detection(label="face", bounding_box=[0.342, 0.129, 0.193, 0.193])
    dataset.add_sample(fo.Sample(filepath=str(here / "photo.jpg"), ground_truth=fo.Detections(detections=[face])))
    exec(typed("FiftyOne", vit_b="nano"), {"dataset": dataset, "SampipeModel": SampipeModel})
    assert dataset.first()["masks"].detections[0].mask.any()
    fo.delete_dataset(name)


def test_cvat():
    words = shlex.split(typed("CVAT"))
    given = dict(word.replace("=str:", "=").split("=", 1) for word in words if "=str:" in word)
    module = words[words.index("--function-module") + 1]
    assert importlib.util.find_spec(module) is not None and given == {"labels": "person,car"}
    host("cvat_sdk.auto_annotation", "an environment with cvat-sdk")
    function = importlib.import_module(module).create(**given)
    assert [label.name for label in function.spec.labels] == ["person", "car"]


def test_napari():
    manifest = Path(importlib.util.find_spec("sampipe_integrations.napari").origin).with_name("napari.yaml")
    offered = yaml.safe_load(manifest.read_text(encoding="utf-8"))["contributions"]["widgets"]
    assert re.search(r"\*([^*]+)\*", ROWS["napari"])[1] in [one["display_name"] for one in offered]


def test_label_studio():
    """Served and asked in test_label_studio_server.py, by these very words."""
    switch, _, module = re.match(r"(\w+)=vit_b (python -m) ([\w.]+)", typed("Label Studio")).groups()
    source = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    assert f'os.environ.get("{switch}"' in source and 'if __name__ == "__main__":' in source


def test_comfyui():
    from sampipe_integrations.comfyui import NODE_CLASS_MAPPINGS

    group = re.search(r"the menu's group (\w+)", ROWS["ComfyUI"])[1]
    assert {node.CATEGORY for node in NODE_CLASS_MAPPINGS.values()} == {group}


def test_roboflow():
    step = json.loads(typed("Roboflow"))
    host("roboflow_workflows", "an environment with inference")
    from sampipe_integrations.roboflow import load_blocks

    manifests = [block.get_manifest() for block in load_blocks()]
    [manifest] = [one for one in manifests if step["type"] in str(one.model_fields["type"].annotation)]
    assert manifest(**step, name="masks").model == "nano"


@pytest.mark.filterwarnings("ignore")  # a raster without a place
def test_qgis(here):
    from sampipe_integrations.rasterio import Raster

    from sampipe.nodes import SegmentEverything

    with Raster("photo.jpg") as raster:
        masks = raster.segment(SegmentEverything(points_per_side=2))
        exec(typed("QGIS"), {"raster": raster, "masks": masks})
    assert json.loads((here / "ground.geojson").read_text(encoding="utf-8"))["type"] == "FeatureCollection"


def test_the_code_of_segment_anything():
    given = {}
    exec(typed("segment-anything's code"), given)
    assert {"SamPredictor", "sam_model_registry"} <= set(given) and "vit_b" in given["sam_model_registry"]


def test_its_browser_demo(here):
    pytest.importorskip("onnxruntime")
    sys.path.insert(0, str(ROOT / "tests" / "models"))
    try:
        from random_sam import SMALL_VIT, random_sam
    finally:
        sys.path.pop(0)
    from sampipe.models.weights.checkpoints import save_checkpoint

    save_checkpoint(random_sam(SMALL_VIT).state_dict(), SMALL_VIT, "small.safetensors")
    run_in_a_shell(typed("its browser demo", vit_b="small.safetensors") + " --out decoder.onnx")
    assert (here / "decoder.onnx").stat().st_size > 1000
