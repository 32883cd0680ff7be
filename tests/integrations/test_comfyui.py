"""The ComfyUI pack, loaded as ComfyUI loads a folder of nodes and called as its executor calls a node.

ComfyUI itself is not on the package index; this follows its documented node interface.
"""

import importlib.util
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
            assert spec[0] in TYPES, f"{name}.{key}"
            assert key == "image" or "default" in spec[1]


def test_boxes(pack, picture, batch):
    [masks] = execute(pack, "SampipeSegmentBoxes", image=batch, boxes="175,66,274,165\n0 0 511 511", device="cpu")
    assert masks.shape == (4, 512, 512) and masks.dtype == torch.float32
    prompts = sp.Prompts.from_boxes([[175, 66, 274, 165], [0, 0, 511, 511]])
    wanted = Segment(model="nano", device="cpu")(picture, prompts=prompts).binary()
    assert np.array_equal(masks[:2].numpy() > 0, wanted) and torch.equal(masks[:2], masks[2:])
    with pytest.raises(sp.DataError, match="boxes: '1, 2'; wanted x0, y0, x1, y1"):
        execute(pack, "SampipeSegmentBoxes", image=batch, boxes="1, 2")


def test_detections_with_names(pack, batch):
    masks, labels = execute(pack, "SampipeSegmentDetections", image=batch[:1], detector="face", device="cpu")
    assert labels == "face" and masks.shape == (1, 512, 512) and masks.any()


def test_nothing_found_is_one_empty_mask(pack):
    dark = torch.zeros(1, 40, 50, 3)
    masks, labels = execute(pack, "SampipeSegmentDetections", image=dark, device="cpu")
    assert labels == "" and masks.shape == (1, 40, 50) and not masks.any()
    [masks] = execute(pack, "SampipeSegmentBoxes", image=dark, device="cpu")
    assert masks.shape == (1, 40, 50) and not masks.any()


def test_everything(pack, batch):
    [masks] = execute(pack, "SampipeSegmentEverything", image=batch[:1], points_per_side=4, device="cpu")
    assert masks.shape[1:] == (512, 512) and set(masks.unique().tolist()) <= {0.0, 1.0}
