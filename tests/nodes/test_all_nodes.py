"""Whatever the registry offers under ``sampipe`` behaves as a node should, one added tomorrow too."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawings import grey_image

from sampipe import DataError, Embedding, ImageEmbedding, Masks, Node, Prompts
from sampipe.graph.registry import node_types
from sampipe.testing import check_node

NODES = {type_id: cls for type_id, cls in node_types().items() if type_id.startswith("sampipe.")}

BOX = """
sampipe: 1
inputs: {image: Image}
nodes:
  half: {type: sampipe.Boxes@1, params: {boxes: [[1, 1, 8, 8]]}}
  segment: {type: sampipe.Segment@1, inputs: {image: $image, prompts: half.prompts}}
outputs: {masks: segment.masks}
"""

# Parameters for nodes that have to be told something; the others are made with their defaults.
PARAMETERS: dict[str, Callable[[Path], dict[str, object]]] = {
    "Points": lambda _: {"points": [[3, 4], [10, 12]]},
    "Boxes": lambda _: {"boxes": [[3, 4, 10, 12]], "labels": ["thing"]},
    "AddClicks": lambda _: {"points": [[3, 4]]},
    "ObjectPrompts": lambda _: {"objects": [{"box": [3, 4, 10, 12], "label": "thing"}, {"points": [[3, 4]]}]},
    "Gaze": lambda _: {"samples": [[5, 5, 0.0], [6, 5, 0.1], [40, 30, 0.2], [41, 30, 0.3]]},
    "MaskPrompts": lambda _: {"logits": np.zeros((1, 16, 16)).tolist()},
    "ClipText": lambda _: {"texts": ["dog", "a hot dog"]},
    "SimilarPrompts": lambda _: {"examples": [{"image": "sample:coins", "box": [191, 26, 242, 78]}]},
    "SaveCoco": lambda folder: {"path": str(folder / "annotations.json")},
    "SavePng": lambda folder: {"directory": str(folder)},
    "SaveYolo": lambda folder: {"directory": str(folder), "tolerance": 0.0},
    "SaveEdges": lambda folder: {"directory": str(folder)},
    "SaveOverlay": lambda folder: {"directory": str(folder)},
    **dict.fromkeys(
        ("SaveCutouts", "SaveGeoJson", "SaveLabelMe", "SaveLabelStudio", "SaveSvg", "SaveVoc"),
        lambda folder: {"directory": str(folder)},
    ),
    "NanoDetector": lambda _: {"model": "nano"},  # the tiny model has no head for objects
    "Tiled": lambda _: {"graph": BOX},
    "SaveCvat": lambda folder: {"path": str(folder / "annotations.xml")},
}


RUNNABLE = [name for name in NODES if name != "sampipe.SegmentText@1"]  # tests/integrations has a model for that


def make(cls: type[Node], folder: Path, model: str) -> Node:
    parameters = PARAMETERS.get(cls.__name__, lambda _: {})(folder)
    if "model" in inspect.signature(cls).parameters:
        parameters = {"model": model, "device": "cpu"} | parameters
    return cls(**parameters)


def examples_for(node: Node, model: str) -> dict[str, object]:
    if any(port.type is Embedding for port in node.ports.inputs.values()):
        from sampipe.nodes import ClipText

        return {"text": ClipText(texts=["dog", "a hot dog"])()}
    if not any(port.type is ImageEmbedding for port in node.ports.inputs.values()):
        return {}
    from sampipe.nodes import EncodeImage

    return {"embedding": EncodeImage(model=model, device="cpu")(grey_image((48, 64)))}


@pytest.mark.parametrize("type_id", RUNNABLE)
def test_node_behaves(type_id: str, tmp_path: Path, tiny_sam: str) -> None:
    node = make(NODES[type_id], tmp_path, tiny_sam)
    check_node(node, **examples_for(node, tiny_sam))


@pytest.mark.parametrize("type_id", NODES)
def test_node_has_a_docstring_for_every_parameter(type_id: str) -> None:
    cls = NODES[type_id]
    text = inspect.getdoc(cls) or ""
    for name in inspect.signature(cls).parameters:
        assert name in text, f"{type_id}: {name} is not told in its docstring"


IMAGE = grey_image((24, 32))
FORMATS_WITH_FEWER = {"sampipe.SaveVoc@1"}  # one byte a pixel


@functools.cache
def prompts_5000() -> Prompts:
    corners = np.random.default_rng(0).uniform(0, 16, (5000, 2))
    return Prompts.from_boxes(np.concatenate([corners, corners + 8], axis=1), labels=["a", "b"] * 2500)


@functools.cache
def masks_5000() -> Masks:
    rng = np.random.default_rng(0)
    pixels = np.zeros((5000, *IMAGE.hw), bool)
    for one, (x, y) in zip(pixels, rng.integers(0, 20, (5000, 2)), strict=True):
        one[y : y + 6, x : x + 6] = True
    prompts = prompts_5000().replace(scores=rng.uniform(size=5000).astype(np.float32))
    return Masks.from_binary(pixels, prompts).replace(iou_scores=rng.uniform(size=(5000, 1)).astype(np.float32))


@pytest.mark.parametrize(
    "type_id",
    [name for name in RUNNABLE if {"masks", "prompts"} & set(inspect.signature(NODES[name].run).parameters)],
)
def test_node_takes_5000_objects(type_id: str, tmp_path: Path, tiny_sam: str) -> None:
    node = make(NODES[type_id], tmp_path, tiny_sam)
    inputs = examples_for(node, tiny_sam)
    made = {"image": lambda: IMAGE, "prompts": prompts_5000, "masks": masks_5000}
    inputs |= {name: made[name]() for name in node.ports.inputs if name not in inputs}
    if node.type_id in FORMATS_WITH_FEWER:
        with pytest.raises(DataError, match="5000 objects"):
            node.run(**inputs)
    else:
        node.run(**inputs)
    node.close()
