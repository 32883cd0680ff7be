"""Graph values: validation, order, equality, inputs of a run, the life of resources."""

from __future__ import annotations

import copy
import pickle

import pytest
from toy_nodes import Bright, Darken, Fill, Largest, picture

import sampipe as sp
from sampipe.graph.ports import Port
from sampipe.graph.wiring import Source

IMAGE = {"image": Port("image", sp.Image)}


def build(**wires: dict[str, str]) -> sp.Graph:
    """A graph of two Darkens and a Bright, wired as said."""
    nodes = {"bright": Bright(), "one": Darken(), "two": Darken()}
    parsed = {name: {port: Source.parse(text) for port, text in mine.items()} for name, mine in wires.items()}
    return sp.Graph(IMAGE, nodes, parsed, {"prompts": Source("bright", "prompts")})


def test_nodes_are_put_in_order():
    graph = build(bright={"image": "two.image"}, one={"image": "$image"}, two={"image": "one.image"})
    assert list(graph.nodes) == ["one", "two", "bright"]


def test_a_cycle_is_shown_in_the_direction_of_the_data():
    with pytest.raises(sp.CycleError, match=r"one -> two -> one|two -> one -> two"):
        build(bright={"image": "two.image"}, one={"image": "two.image"}, two={"image": "one.image"})
    with pytest.raises(sp.CycleError, match="one -> one"):
        build(bright={"image": "two.image"}, one={"image": "one.image"}, two={"image": "$image"})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("$imgae", r"the graph has no input 'imgae'\. Did you mean 'image'\?"),
        ("on.image", r"there is no node 'on'\. Did you mean 'one'"),
        ("one.images", r"'one' has no output 'images'\. Did you mean 'image'\?"),
    ],
)
def test_unknown_sources_list_what_there_is(source, message):
    with pytest.raises(sp.UnknownPortError, match=message) as caught:
        build(bright={"image": source}, one={"image": "$image"}, two={"image": "$image"})
    assert "'bright' (Bright), input 'image'" in str(caught.value)
    assert "Available: $image: Image, bright.prompts: Prompts, one.image: Image" in str(caught.value)


def test_other_mistakes():
    with pytest.raises(sp.GraphError, match=r"'detect.prompts.x' is not a source"):
        Source.parse("detect.prompts.x")
    with pytest.raises(sp.GraphError, match=r"Wires lead to 'brigth', .* Did you mean 'bright'"):
        build(brigth={"image": "$image"})
    with pytest.raises(sp.GraphError, match="no outputs"):
        sp.Graph(IMAGE, {"bright": Bright()}, {"bright": {"image": Source(None, "image")}}, {})
    with pytest.raises(sp.UnknownPortError, match=r"Output 'masks': wired to fill.masks"):
        sp.Graph(IMAGE, {}, {}, {"masks": Source("fill", "masks")})
    with pytest.raises(sp.GraphError, match="'a b' cannot name a graph's node"):
        sp.Graph(IMAGE, {"a b": Bright()}, {}, {"prompts": Source("a b", "prompts")})
    with pytest.raises(sp.GraphError, match="cannot be called 'engine'"):
        sp.Graph({"engine": Port("engine", str)}, {}, {}, {"out": Source(None, "engine")})


def test_a_graph_is_a_frozen_value():
    graph = Bright() | Fill() | Largest()
    with pytest.raises(AttributeError):
        graph.nodes = {}
    with pytest.raises(TypeError):
        graph.nodes["more"] = Bright()
    assert graph == Bright() | Fill() | Largest() != Bright() | Fill() | Largest(count=2)
    assert hash(graph) == hash(Bright() | Fill() | Largest())
    for other in (pickle.loads(pickle.dumps(graph)), copy.deepcopy(graph)):
        assert other == graph
        assert other.run(image=picture()).masks.area().tolist() == [195]


def test_repr_reads():
    assert repr(Bright() | Fill()) == "Graph(image -> bright=Bright(), fill=Fill() -> masks)"


@pytest.mark.parametrize(
    ("error", "inputs", "message"),
    [
        (sp.MissingInputError, {}, "Graph input 'image' was not given. Wanted: image: Image"),
        (
            sp.UnknownPortError,
            {"imgae": picture()},
            r"no input 'imgae'\. Did you mean 'image'\? It takes image",
        ),
        (sp.DataError, {"image": "nowhere.jpg"}, "'image': cannot read nowhere.jpg: No such file"),
        (sp.PortTypeError, {"image": 3}, "'image' got an int; wanted image: Image"),
        (sp.PortTypeError, {"image": None}, "'image' got None"),
    ],
)
def test_inputs_of_a_run_are_checked(error, inputs, message):
    with pytest.raises(error, match=message):
        (Bright() | Fill()).run(**inputs)


def test_none_leaves_an_optional_input_out():
    graph = Darken() | Bright()
    assert graph.bind({"image": (photo := picture()), "prompts": None}) == {"image": photo}


class Loaded(sp.Node):
    """Counts what happens to its resource."""

    fails: bool = False

    @sp.resource
    def log(self) -> list[str]:
        return []

    def run(self, image: sp.Image) -> sp.Image:
        self.log.append("run")
        return image

    def flush(self) -> None:
        if "_resources" in self.__dict__:
            EVENTS.append([*self.log, "flush"])
        if self.fails:
            raise OSError("disk full")


EVENTS: list[list[str]] = []


def test_with_warms_flushes_and_closes():
    EVENTS.clear()
    node = Loaded()
    graph = node | Bright()
    with graph as entered:
        assert entered is graph
        assert "_resources" in node.__dict__
        graph.run(image=picture())
    assert "_resources" not in node.__dict__
    assert EVENTS == [["run", "flush"], ["run", "flush"]]  # at the end of the run, and at the end of `with`


def test_a_failing_node_does_not_keep_the_others_open():
    bad, good = Loaded(fails=True), Loaded()
    graph = bad | good | Bright()
    graph.warm()
    with pytest.raises(sp.NodeError, match=r"'loaded' \(Loaded\(fails=True\)\): disk full") as caught:
        graph.close()
    assert isinstance(caught.value.__cause__, OSError)
    assert "_resources" not in bad.__dict__ and "_resources" not in good.__dict__


def test_only_what_is_needed_is_planned_and_values_are_freed():
    bright, dark, fill = Bright(), Darken(), Fill()

    def function(image: sp.Image):
        dark(image)
        return fill(image, bright(image))

    graph = sp.trace(function)
    assert [step.name for step in graph.steps] == ["bright", "fill"]
    assert [[str(one) for one in step.frees] for step in graph.steps] == [[], ["$image", "bright.prompts"]]
