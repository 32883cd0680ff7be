"""Numbers of nearly the right type as parameters."""

from pathlib import Path

import numpy as np
import pytest
import torch

import sampipe as sp
from sampipe.errors import SampipeError
from sampipe.graph.chain import as_graph
from sampipe.graph.fields import plain
from sampipe.nodes import Boxes, FilterMasks, LargestMasks


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (np.float64(2.5), 2.5), (np.float16(0.5), 0.5), (np.int64(3), 3), (np.uint8(3), 3),
        (np.bool_(True), True), (np.str_("é"), "é"), (np.array(7), 7), (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(["a", "b"]), ["a", "b"]), ([np.float32(0.5), [np.int8(1)]], [0.5, [1]]), ((np.int64(1),), (1,)),
        ({"a": np.float64(1)}, {"a": 1.0}), (torch.tensor([1.5], requires_grad=True), [1.5]),
        (torch.tensor([1.5], dtype=torch.bfloat16), [1.5]), (Path("a/b.pt"), "a/b.pt"), (None, None), ("x", "x"),
    ],
)  # fmt: skip
def test_what_means_a_json_value_becomes_one(given, meant):
    found = plain(given)
    assert found == meant and type(found) is type(meant)


@pytest.mark.parametrize(
    "node",
    [
        FilterMasks(min_area=np.float64(2.5)),
        LargestMasks(count=np.int64(3)),
        Boxes(boxes=np.array([[1, 2, 3, 4.5]], np.float32), labels=np.array(["Käse"])),
        Boxes(boxes=torch.tensor([[1.0, 2, 3, 4]], requires_grad=True)),
    ],
)
def test_a_node_made_with_arrays_survives_its_file(node):
    again = sp.Graph.from_yaml(as_graph(node).to_yaml())
    assert next(iter(again.nodes.values())) == node


def test_a_value_that_no_file_can_hold_is_still_refused():
    with pytest.raises(SampipeError):
        as_graph(FilterMasks(min_area=np.complex64(1))).to_yaml()
