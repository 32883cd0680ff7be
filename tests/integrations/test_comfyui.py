"""The ComfyUI pack, loaded as ComfyUI loads a folder of nodes and called as its executor calls a node.

ComfyUI itself is not on the package index; this follows its documented node interface.
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import sampipe_integrations
import torch

import sampipe as sp
from sampipe.nodes import Segment

FOLDER = Path(sampipe_integrations.__path__[0]) / "comfyui"
TYPES = {"IMAGE", "MASK", "STRING", "INT", "FLOAT", "BOOLEAN"}


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """The folder under custom_nodes, imported under a name that its path makes, as ComfyUI does."""
    link = tmp_path_factory.mktemp("custom_nodes") / "sampipe"
    link.symlink_to(FOLDER)
    name = str(link).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, link / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:astronaut")


@pytest.fixture(scope="module")
def batch(picture):
    return torch.from_numpy(np.stack([picture.pixels] * 2).astype(np.float32) / 255)


def execute(pack, name, **given):
    """Defaults for what is not given, the method that FUNCTION names, a tuple as long as RETURN_TYPES."""
    cls = pack.NODE_CLASS_MAPPINGS[name]
    wanted = cls.INPUT_TYPES()["required"]
    assert set(given) <= set(wanted)
    inputs = {key: given[key] if key in given else spec[1]["default"] for key, spec in wanted.items()}
    result = getattr(cls(), cls.FUNCTION)(**inputs)
    assert isinstance(result, tuple) and len(result) == len(cls.RETURN_TYPES) == len(cls.RETURN_NAMES)
    return result


def test_every_node_declares_what_comfyui_reads(pack):
    assert set(pack.NODE_CLASS_MAPPINGS) == set(pack.NODE_DISPLAY_NAME_MAPPINGS)
    for name, cls in pack.NODE_CLASS_MAPPINGS.items():
        assert cls.CATEGORY == "sampipe" and callable(getattr(cls, cls.FUNCTION)) and cls.DESCRIPTION
        assert set(cls.RETURN_TYPES) <= TYPES
        for key, spec in cls.INPUT_TYPES()["required"].items():
            assert isinstance(spec[0], list) or spec[0] in TYPES, f"{name}.{key}"
            assert spec[0] in ("IMAGE", "MASK") or "default" in spec[1]


def test_boxes(pack, picture, batch):
    [masks] = execute(pack, "SampipeSegmentBoxes", image=batch, boxes="175,66,274,165\n0 0 511 511", device="cpu")
    assert masks.shape == (4, 512, 512) and masks.dtype == torch.float32
    prompts = sp.Prompts.from_boxes([[175, 66, 274, 165], [0, 0, 511, 511]])
    wanted = Segment(model="nano", device="cpu")(picture, prompts=prompts).binary()
    assert np.array_equal(masks[:2].numpy() > 0, wanted) and torch.equal(masks[:2], masks[2:])
    with pytest.raises(sp.DataError, match="'1, 2': wanted x0, y0, x1, y1"):
        execute(pack, "SampipeSegmentBoxes", image=batch, boxes="1, 2")


def test_detections_with_names(pack, batch):
    masks, labels = execute(pack, "SampipeSegmentDetections", image=batch[:1], detector="face", device="cpu")
    assert labels == "face" and masks.shape == (1, 512, 512) and masks.any()


def test_words_with_names(pack, batch):
    masks, labels = execute(pack, "SampipeSegmentText", image=batch[:1], text="person, cup", device="cpu")
    assert set(labels.split("\n")) == {"person"} and len(masks) == len(labels.split("\n")) and masks.any()
    joined, _ = execute(pack, "SampipeSegmentText", image=batch[:1], text="person, cup", device="cpu", join=True)
    assert torch.equal(joined[0], masks.amax(dim=0))


def test_a_detector_is_made_once(pack, batch):
    detector = sys.modules[pack.NODE_CLASS_MAPPINGS["SampipeSegmentDetections"].__module__]._detector
    detector.cache_clear()
    for _ in range(2):
        execute(pack, "SampipeSegmentDetections", image=batch[:1], detector="face", device="cpu")
    assert (detector.cache_info().misses, detector.cache_info().hits) == (1, 1)


def test_the_example_workflow_runs_as_comfyui_would_run_it(pack, picture, batch):
    """ComfyUI's format for its API: nodes by number; an input is a value, or a node's number and its output's."""
    workflow = json.loads((FOLDER / "example_workflow.json").read_text())
    core = {  # ComfyUI's own nodes, as far as a link asks: their outputs' types
        "LoadImage": ("IMAGE", "MASK"), "MaskToImage": ("IMAGE",), "PreviewImage": (), "InvertMask": ("MASK",),
    }  # fmt: skip
    mappings, results = pack.NODE_CLASS_MAPPINGS, {"1": (batch[:1], None)}
    types = {**core, **{name: cls.RETURN_TYPES for name, cls in mappings.items()}}
    assert workflow["1"]["class_type"] == "LoadImage"
    ours = [number for number, node in workflow.items() if node["class_type"] in mappings]
    for number, node in workflow.items():
        assert node["class_type"] in types
        links = {key: value for key, value in node["inputs"].items() if isinstance(value, list)}
        assert all(output < len(types[workflow[other]["class_type"]]) for other, output in links.values())
        if number in ours:
            wanted = mappings[node["class_type"]].INPUT_TYPES()["required"]
            assert set(node["inputs"]) == set(wanted)
            assert all(types[workflow[o]["class_type"]][out] == wanted[key][0] for key, (o, out) in links.items())
            values = {key: results[v[0]][v[1]] if key in links else v for key, v in node["inputs"].items()}
            results[number] = execute(pack, node["class_type"], **values)
    assert len(ours) == 3 and results[ours[-1]][0].any()


def test_nothing_found_is_one_empty_mask(pack):
    dark = torch.zeros(1, 40, 50, 3)
    masks, labels = execute(pack, "SampipeSegmentDetections", image=dark, device="cpu")
    assert labels == "" and masks.shape == (1, 40, 50) and not masks.any()
    [masks] = execute(pack, "SampipeSegmentBoxes", image=dark, device="cpu")
    assert masks.shape == (1, 40, 50) and not masks.any()


def test_everything(pack, batch):
    [masks] = execute(pack, "SampipeSegmentEverything", image=batch[:1], points_per_side=4, device="cpu")
    assert masks.shape[1:] == (512, 512) and set(masks.unique().tolist()) <= {0.0, 1.0}


def test_points_are_one_object_an_image(pack, picture, batch):
    [masks] = execute(pack, "SampipeSegmentPoints", image=batch, points="224, 110\n- 30, 30", device="cpu")
    prompts = sp.Prompts.from_points([[[224, 110], [30, 30]]], [[1, 0]])
    wanted = Segment(model="nano", device="cpu")(picture, prompts=prompts).best().binary()
    assert masks.shape == (2, 512, 512) and np.array_equal(masks[:1].numpy() > 0, wanted)
    with pytest.raises(sp.DataError, match="'1, 2, 3': wanted x, y, one point a line"):
        execute(pack, "SampipeSegmentPoints", image=batch, points="1, 2, 3")


def test_joined_masks_are_one_an_image(pack, batch):
    boxes = "175,66,274,165\n0 0 200 511"
    [apart] = execute(pack, "SampipeSegmentBoxes", image=batch, boxes=boxes, device="cpu")
    [joined] = execute(pack, "SampipeSegmentBoxes", image=batch, boxes=boxes, device="cpu", join=True)
    assert apart.shape[0] == 4 and torch.equal(joined[0], apart[:2].amax(dim=0)) and joined.shape[0] == 2


def test_masks_are_combined(pack):
    left, top = torch.zeros(2, 1, 4, 4)
    left[..., :2], top[:, :2] = 1, 1
    combined = {}
    for how in ("append", "union", "intersection", "difference"):
        [combined[how]] = execute(pack, "SampipeCombineMasks", masks=left, others=top, how=how)
    assert combined["append"].shape == (2, 4, 4)
    assert [int(combined[how].sum()) for how in ("union", "intersection", "difference")] == [12, 4, 4]
    with pytest.raises(sp.DataError, match="wanted masks of images of one size"):
        execute(pack, "SampipeCombineMasks", masks=left, others=torch.zeros(1, 5, 4), how="union")
