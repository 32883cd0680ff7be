"""Putting a graph together, step by step."""

from __future__ import annotations

import pytest

from sampipe.demo.draft import (
    EMPTY,
    add_node,
    draft_of,
    fitting,
    graph_of,
    remove_node,
    set_outputs,
    set_params,
    set_wire,
    text_of,
    troubles,
)
from sampipe.errors import SpecError
from sampipe.graph import Graph


def test_nodes_are_wired_to_what_has_the_name_of_their_inputs() -> None:
    draft = add_node(add_node(EMPTY, "sampipe.PointGrid@1"), "sampipe.Segment@1")
    assert draft.nodes["segment"].inputs == {"image": "$image", "prompts": "point_grid.prompts"}
    assert draft.inputs == {"image": "Image"}
    assert troubles(draft) == {}
    graph = graph_of(draft)
    assert Graph.from_yaml(text_of(draft)) == graph
    assert list(graph.outputs) == ["prompts", "masks"]


def test_only_what_fits_is_offered_and_no_circle() -> None:
    draft = add_node(add_node(add_node(EMPTY, "sampipe.PointGrid@1"), "sampipe.Segment@1"), "sampipe.CleanMasks@1")
    assert fitting(draft, "segment", "prompts") == ["point_grid.prompts", "$prompts"]
    assert fitting(draft, "clean_masks", "masks") == ["segment.masks", "$masks"]
    assert fitting(draft, "point_grid", "image") == ["$image"]


def test_wires_and_inputs_come_and_go_together() -> None:
    draft = add_node(add_node(EMPTY, "sampipe.PointGrid@1"), "sampipe.Segment@1")
    draft = set_wire(draft, "segment", "prompts", "$prompts")
    assert draft.inputs == {"image": "Image", "prompts": "Prompts"}
    draft = set_wire(draft, "segment", "prompts", None)
    assert draft.inputs == {"image": "Image"}
    assert troubles(draft) == {"segment": "Nothing feeds prompts yet."}


def test_removing_a_node_takes_its_wires_along() -> None:
    draft = add_node(add_node(EMPTY, "sampipe.PointGrid@1"), "sampipe.Segment@1")
    draft = remove_node(draft, "point_grid")
    assert draft.nodes["segment"].inputs == {"image": "$image"}
    assert draft.outputs == {"masks": "segment.masks"}
    assert remove_node(draft, "segment") == EMPTY


def test_outputs_keep_their_names_and_get_free_ones() -> None:
    draft = add_node(add_node(add_node(EMPTY, "sampipe.PointGrid@1"), "sampipe.Segment@1"), "sampipe.CleanMasks@1")
    draft = set_outputs(draft, ["clean_masks.masks", "segment.masks"])
    assert set(draft.outputs.values()) == {"clean_masks.masks", "segment.masks"}
    assert set(draft.outputs) == {"masks", "masks_2"}


def test_troubles_are_told_by_node() -> None:
    draft = add_node(add_node(EMPTY, "sampipe.PointGrid@1"), "sampipe.Segment@1")
    wrong = troubles(set_params(draft, "point_grid", {"per_side": 0}))
    assert list(wrong) == ["point_grid"]
    wrong = troubles(set_params(draft, "segment", {"modle": "nano"}))
    assert "Did you mean 'model'?" in wrong["segment"]
    missing = troubles(set_params(draft, "segment", {"model": "no_such_file.pth"}))
    assert "weights" in missing["segment"]
    circle = draft.model_copy(deep=True)
    circle.nodes["segment"].inputs["prompts"] = "nowhere.prompts"
    assert "no node 'nowhere'" in troubles(circle)["segment"]


def test_a_text_that_is_no_graph_is_an_error_and_an_empty_one_is_empty() -> None:
    assert draft_of("") == EMPTY
    with pytest.raises(SpecError, match="mapping"):
        draft_of("- a\n- b\n")
