"""A graph file on its way to the canvas and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampipe.errors import SpecError
from sampipe.graph import Graph
from sampipe.pages.demo.canvas.draft import EMPTY, draft_of, graph_of, problems, text_of, with_outputs

GRAPHS = sorted((Path(__file__).parents[3] / "demos" / "graphs").glob("*.yaml"))
DRAFT = """sampipe: 1
inputs: {image: Image}
nodes:
  grid: {type: sampipe.PointGrid@1, params: {per_side: 4}, inputs: {image: $image}}
  segment: {type: sampipe.Segment@1, inputs: {image: $image, prompts: grid.prompts}}
outputs: {masks: segment.masks}
layout: {$image: [0, 0], grid: [280.5, 30], segment: [560, -12]}
"""


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_file_comes_back_as_it_was(path: Path) -> None:
    draft = draft_of(path.read_text(encoding="utf-8"))
    assert draft_of(text_of(draft)) == draft
    assert Graph.from_yaml(text_of(draft)) == Graph.from_yaml(path)


def test_positions_are_kept_and_do_not_change_the_graph() -> None:
    draft = draft_of(DRAFT)
    assert draft_of(text_of(draft)).layout == {"$image": [0, 0], "grid": [280.5, 30], "segment": [560, -12]}
    assert graph_of(draft) == Graph.from_yaml(DRAFT.partition("layout")[0])
    with pytest.raises(SpecError, match="layout"):
        draft_of(DRAFT.replace("[0, 0]", "[0, 0, 7]"))


def test_a_draft_without_outputs_gives_its_loose_ends() -> None:
    draft = draft_of(DRAFT.replace("{masks: segment.masks}", "{}"))
    assert with_outputs(draft).outputs == {"masks": "segment.masks"}
    del draft.nodes["segment"].inputs["prompts"]
    assert with_outputs(draft).outputs == {"prompts": "grid.prompts", "masks": "segment.masks"}
    assert with_outputs(draft_of(DRAFT)).outputs == {"masks": "segment.masks"}


def test_problems_are_told_by_node() -> None:
    assert problems(draft_of(DRAFT)) == {}
    assert list(problems(draft_of(DRAFT.replace("per_side: 4", "per_side: 0")))) == ["grid"]
    wrong = problems(
        draft_of(DRAFT.replace("segment: {type: sampipe.Segment@1,", "segment: {type: sampipe.Segmint@1,"))
    )
    assert "Did you mean 'sampipe.Segment@1'" in wrong["segment"]
    missing = draft_of(DRAFT)
    del missing.nodes["segment"].inputs["prompts"]
    assert problems(missing) == {"segment": "Nothing feeds prompts yet."}
    circle = draft_of(DRAFT.replace("grid.prompts", "nowhere.prompts"))
    assert "no node 'nowhere'" in problems(circle)["segment"]


def test_a_text_that_is_no_graph_is_an_error_and_an_empty_one_is_empty() -> None:
    assert draft_of("") == EMPTY
    with pytest.raises(SpecError, match="mapping"):
        draft_of("- a\n- b\n")
