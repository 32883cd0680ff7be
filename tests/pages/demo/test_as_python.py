"""A graph as a program: running the program gives the same graph."""

from __future__ import annotations

from pathlib import Path

import pytest

import sampipe as sp
from sampipe.errors import SpecError
from sampipe.graph import Graph
from sampipe.nodes import CleanMasks, PointGrid, Segment, SelectCandidate
from sampipe.pages.demo.as_python import as_python

GRAPHS = sorted((Path(__file__).parents[3] / "demos" / "graphs").glob("*.yaml"))


def rerun(graph: Graph) -> Graph:
    names: dict[str, object] = {"print": lambda *_: None}
    exec(as_python(graph), names)
    made = names["graph"]
    assert isinstance(made, Graph)
    return made


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_the_example_graphs_come_back_the_same(path: Path) -> None:
    graph = Graph.from_yaml(path)
    assert rerun(graph).to_yaml() == graph.to_yaml()


def test_parameters_optional_inputs_and_odd_names() -> None:
    grid, segment, segment_result = PointGrid(per_side=4), Segment(multimask="never"), SelectCandidate()

    def both(image: sp.Image, prompts: sp.Prompts) -> dict[str, sp.Masks]:
        return {
            "of_grid": segment_result(segment(image, prompts=grid(image))),
            "given": CleanMasks()(segment(image, prompts)),
        }

    graph = sp.trace(both)
    assert rerun(graph).to_yaml() == graph.to_yaml()


def test_what_a_program_cannot_name_is_said() -> None:
    class Unregistered(sp.Node):
        def run(self, masks: sp.Masks) -> sp.Masks:
            return masks

    with pytest.raises(SpecError, match="not registered"):
        as_python(PointGrid() | Segment() | Unregistered())
    with pytest.raises(SpecError, match="'class' cannot be a name"):
        as_python(PointGrid() | Segment().named("class"))
