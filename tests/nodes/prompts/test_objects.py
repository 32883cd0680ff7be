"""Objects by boxes and points, as values and as a node."""

from __future__ import annotations

import numpy as np
import pytest

import sampipe as sp
from sampipe.nodes import ObjectPrompts, Segment


def test_one_object() -> None:
    cup = sp.Prompts.object(box=(10, 20, 60, 80), points=[(30, 40), (35, 50)], not_points=(12, 22), label="cup")
    assert len(cup) == 1 and cup.labels == ("cup",)
    np.testing.assert_array_equal(cup.boxes, [[10, 20, 60, 80]])
    np.testing.assert_array_equal(cup.points, [[[30, 40], [35, 50], [12, 22]]])
    np.testing.assert_array_equal(cup.point_labels, [[1, 1, 0]])
    assert sp.Prompts.object((0, 0, 2, 2)).points is None
    assert sp.Prompts.object(points=np.array([[1, 2]])).boxes is None


def test_uneven_objects_are_padded() -> None:
    joined = sp.Prompts.concat(
        [
            sp.Prompts.object(points=[(1, 1), (2, 2)], label="a"),
            sp.Prompts.object((0, 0, 9, 9)),
            sp.Prompts.object(None, (3, 3)),
        ]
    )
    assert joined.point_labels is not None and joined.labels == ("a", "", "")
    assert joined.point_labels.tolist() == [[1, 1], [-1, -1], [1, -1]]
    assert joined.has_boxes.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "neither a box nor a point"),
        ({"not_points": [(1, 1)]}, "neither a box nor a point"),
        ({"box": (1, 2, 3)}, "box: got .*wanted four numbers"),
        ({"points": [(1, 2, 3)]}, r"points: got \(1, 3\), wanted \(k, 2\)"),
        ({"points": "here"}, "points: wanted an array of float32"),
    ],
)
def test_what_is_no_object(fields: dict[str, object], message: str) -> None:
    with pytest.raises(sp.DataError, match=message):
        sp.Prompts.object(**fields)  # type: ignore[arg-type]


def test_the_node_says_the_same_in_a_file() -> None:
    node = ObjectPrompts(objects=[{"box": [280, 110, 370, 400], "label": "rocket"}, {"points": [[322, 250]]}])
    graph = sp.Graph.from_yaml((node | Segment()).to_yaml())
    masks = graph.run(image="sample:rocket").masks
    assert masks.labels == ("rocket", "")
    assert masks.prompts.source == ("sampipe.ObjectPrompts@1",) * 2
    assert len(ObjectPrompts(objects=[]).run()) == 0


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([{"points": [[1, 1]]}, {"bx": [0, 0, 1, 1]}], "object 1: 'bx' is not one of box, points.*Did you mean 'box'"),
        ([{}], "object 0: object: got neither"),
        ([[1, 2]], "wanted a list of mappings"),
        ({"box": [0, 0, 1, 1]}, "wanted a list of mappings"),
    ],
)
def test_a_wrong_object_says_which(objects: object, message: str) -> None:
    with pytest.raises(sp.DataError, match=message):
        ObjectPrompts(objects=objects)  # type: ignore[arg-type]
