"""a | b | c."""

from __future__ import annotations

import pytest
from toy_nodes import Bright, Darken, Fill, Largest, Split, picture

import sampipe as sp


class Count(sp.Node):
    """An input whose name means something else elsewhere."""

    def run(self, masks: sp.Masks, image: sp.Prompts) -> sp.Masks:
        return masks


def wires(graph: sp.Graph) -> dict[str, dict[str, str]]:
    return {name: {port: str(one) for port, one in mine.items()} for name, mine in graph.wires.items()}


def test_the_straight_line_is_the_traced_function():
    bright, fill, largest = Bright(), Fill(), Largest()
    graph = bright | fill | largest
    assert graph == sp.trace(lambda image: largest(fill(image, bright(image))))
    assert wires(graph)["fill"] == {"image": "$image", "prompts": "bright.prompts"}
    assert graph.run(image=picture()).masks.area().tolist() == [195]


def test_grouping_does_not_matter():
    assert (Bright() | Fill()) | Largest() == Bright() | (Fill() | Largest())


def test_the_nearest_output_of_the_name_is_taken():
    graph = Darken() | Darken() | Bright() | Fill()
    assert wires(graph)["darken_2"] == {"image": "darken.image", "prompts": "$prompts"}
    assert wires(graph)["fill"] == {"image": "darken_2.image", "prompts": "bright.prompts"}


def test_optional_inputs_become_optional_inputs_of_the_graph():
    graph = Darken() | Bright()
    assert [str(port) for port in graph.inputs.values()] == ["image: Image", "prompts: Prompts?"]
    assert len(graph.run(image=picture()).prompts) == 0  # too dark now


def test_a_declared_output_comes_before_what_lies_inside():
    bright, dark = Bright(), Darken()
    both = sp.trace(lambda image: {"prompts": bright(image), "other": bright(dark(image))})
    assert wires(both | Fill())["fill"] == {"image": "dark.image", "prompts": "bright.prompts"}


def test_outputs_are_those_of_the_last_part():
    assert list((Bright() | Fill()).outputs) == ["masks"]
    assert list((Darken() | Split()).outputs) == ["left", "right"]


def test_a_chosen_name():
    assert list((Bright().named("find") | Fill()).nodes) == ["find", "fill"]
    with pytest.raises(sp.DuplicateNodeError, match="'find'"):
        _ = Bright().named("find") | Fill().named("find")


def test_taking_nothing_from_upstream_is_an_error():
    with pytest.raises(sp.MissingInputError, match=r"Largest takes nothing .* masks: Masks; upstream is bright"):
        _ = Bright() | Largest()
    with pytest.raises(sp.MissingInputError, match=r"The graph after \| takes nothing"):
        _ = Split() | (Bright() | Fill())


def test_one_name_of_two_types_is_an_error():
    with pytest.raises(sp.PortTypeError, match="'image' is wanted as Image and as Prompts"):
        _ = Bright() | Fill() | Count()
    with pytest.raises(sp.PortTypeError, match=r"darken\.image, which is Image; wanted Prompts"):
        _ = Darken() | Bright() | Fill() | Count()
