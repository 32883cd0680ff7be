"""Graphs as files, there and back, and every way a file can be wrong."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any, Literal

import pytest
from toy_nodes import Bright, Darken, Fill, Largest, picture

import sampipe as sp


@sp.register("toy")
class Everything(sp.Node):
    """Parameters of every kind."""

    required: int
    ratio: float = 0.5
    mode: Literal["fast", "good"] = "fast"
    points: tuple[tuple[float, float], ...] = ()
    names: list[str] = dataclasses.field(default_factory=list)
    extra: dict[str, Any] | None = None
    flag: bool = False

    def __post_init__(self) -> None:
        if self.ratio > 1:
            raise ValueError(f"ratio is {self.ratio}; wanted at most 1")

    def run(self, image: sp.Image, amount: int, prompts: sp.Prompts | None = None) -> sp.Image:
        return image


GRAPH = """
sampipe: 1
inputs: {image: Image}
nodes:
  detect: {type: toy.Bright@1, params: {threshold: 100}, inputs: {image: $image}}
  fill: {type: toy.Fill@1, inputs: {image: $image, prompts: detect.prompts}}
outputs: {masks: fill.masks, found: detect.prompts}
"""


def test_a_file_is_a_graph():
    graph = sp.Graph.from_yaml(GRAPH)
    detect, fill = Bright(threshold=100), Fill()

    def pipeline(image: sp.Image):
        found = detect(image)
        return {"masks": fill(image, found), "found": found}

    assert graph == sp.trace(pipeline)
    assert graph.run(image=picture()).masks.area().tolist() == [35, 195]


def everything() -> sp.Graph:
    node = Everything(required=3, mode="good", points=[(1.0, 2.5)], names=["no", "1e3"], extra={"a": [None, {}]})

    def pipeline(image: sp.Image, amount: int, prompts: sp.Prompts | None = None):
        return {"image": node(image, amount, prompts=prompts), "same": image}

    return sp.trace(pipeline)


@pytest.mark.parametrize("graph", [everything(), Darken() | Bright() | Fill() | Largest(count=4)])
def test_there_and_back(graph, tmp_path):
    text = graph.to_yaml(tmp_path / "graph.yaml")
    assert sp.Graph.from_yaml(text) == graph
    assert sp.Graph.from_yaml(tmp_path / "graph.yaml") == graph
    assert sp.Graph.from_yaml(str(tmp_path / "graph.yaml")).to_yaml() == text
    assert [one.name for one in tmp_path.iterdir()] == ["graph.yaml"]


def test_the_file_is_as_a_person_would_write_it():
    assert (Bright(threshold=9) | Fill()).to_yaml() == (
        "sampipe: 1\n"
        "inputs: {image: Image}\n"
        "nodes:\n"
        "  bright:\n"
        "    type: toy.Bright@1\n"
        "    params: {threshold: 9}\n"
        "    inputs: {image: $image}\n"
        "  fill:\n"
        "    type: toy.Fill@1\n"
        "    inputs: {image: $image, prompts: bright.prompts}\n"
        "outputs: {masks: fill.masks}\n"
    )


def test_an_unregistered_class_cannot_be_written():
    class Local(sp.Node):
        def run(self, image: sp.Image) -> sp.Image:
            return image

    with pytest.raises(sp.SpecError, match=r"Local is not registered.*@sp\.register"):
        (Local() | Bright()).to_yaml()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "toy.Bright@1",
            "toy.Brigth@1",
            r"node 'detect': .*toy has no node 'Brigth'.* Did you mean 'toy.Bright",
        ),
        ("toy.Bright@1", "tony.Bright@1", r"no vendor 'tony' is installed\. Did you mean 'toy'"),
        ("toy.Bright@1", "os.system@1", "no vendor 'os' is installed"),
        (
            "toy.Bright@1",
            "toy.Bright",
            r"is not a type id: write vendor\.Name@version\. Did you mean 'toy.Bright@1'",
        ),
        ("toy.Bright@1", "toy_nodes:Bright@1", "is not a type id"),
        ("toy.Bright@1", "toy.Bright@2", r"version 1 of toy\.Bright is installed"),
        (
            "threshold: 100",
            "treshold: 1",
            r"has no parameter 'treshold'\. Did you mean 'threshold'\? It takes",
        ),
        ("threshold: 100", "threshold: '1'", "Bright: threshold='1' does not fit; wanted a whole number"),
        ("threshold: 100", "threshold: true", "threshold=True does not fit; wanted a whole number"),
        ("threshold: 100", "threshold: .nan", "threshold='.nan' does not fit; wanted a whole number"),
        ("detect.prompts}}", "detect}}", r"node 'fill', input 'prompts': 'detect' is not a source"),
        (
            "image: Image}",
            "image: Imgae}",
            r"input 'image' is of the unknown type 'Imgae'\. Did you mean 'Image'",
        ),
        ("sampipe: 1", "sampipe: 2", "'sampipe: 2' is a format this version does not read"),
        ("sampipe: 1", "", "'sampipe' is missing"),
        ("outputs:", "output:", "'outputs' is missing; 'output' is not one of the keys sampipe, inputs"),
        (
            "params:",
            "parameters:",
            r"'nodes\.detect\.parameters' is not one of the keys type, params, inputs",
        ),
        ("{masks: fill.masks, found: detect.prompts}", "3", "'outputs' is 3"),
        ("toy.Fill@1", "3", r"'nodes\.fill\.type' is 3"),
    ],
)
def test_what_is_wrong_is_said(old, new, message):
    assert old in GRAPH
    with pytest.raises(sp.SpecError, match=message) as caught:
        sp.Graph.from_yaml(GRAPH.replace(old, new, 1))
    assert str(caught.value).startswith("graph: ")


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("detect.prompts}}", "detect.promts}}", sp.UnknownPortError),
        ("detect.prompts}}", "$image}}", sp.PortTypeError),
        (", prompts: detect.prompts}}", "}}", sp.MissingInputError),
        ("type: toy.Bright@1", "type: toy.Darken@1", sp.SpecError),  # no such parameter
        ("masks: fill.masks", "masks: fil.masks", sp.UnknownPortError),
    ],
)
def test_wires_of_a_file_are_checked_like_any(old, new, error):
    with pytest.raises(error):
        sp.Graph.from_yaml(GRAPH.replace(old, new, 1))


def one_node(params: str) -> str:
    return (
        f"sampipe: 1\ninputs: {{image: Image, amount: int}}\nnodes:\n"
        f"  all: {{type: toy.Everything@1, params: {{{params}}},\n"
        "        inputs: {image: $image, amount: $amount}}\n"
        "outputs: {image: all.image}\n"
    )


@pytest.mark.parametrize(
    ("params", "value"),
    [
        ("ratio: 1", ("ratio", 1.0)),
        ("ratio: 1e-3", ("ratio", 0.001)),
        ("points: [[1, 2], [3, 4.5]]", ("points", ((1.0, 2.0), (3.0, 4.5)))),
        ("names: [no, 'yes']", ("names", ["no", "yes"])),
        ("extra: {deep: {list: [1, true, ~]}}", ("extra", {"deep": {"list": [1, True, None]}})),
        ("extra: ~", ("extra", None)),
        ("mode: good", ("mode", "good")),
    ],
)
def test_parameters_become_what_the_field_says(params, value):
    node = sp.Graph.from_yaml(one_node(f"required: 1, {params}")).nodes["all"]
    name, wanted = value
    assert getattr(node, name) == wanted
    assert type(getattr(node, name)) is type(wanted)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("", "Everything needs the parameter 'required': a whole number"),
        ("required: 1.5", "required=1.5 does not fit; wanted a whole number"),
        ("required: 1, ratio: '0.5'", "ratio='0.5' does not fit; wanted a number"),
        ("required: 1, ratio: 2", "ratio is 2.0; wanted at most 1"),
        ("required: 1, mode: best", "mode='best' does not fit; wanted one of 'fast', 'good'"),
        ("required: 1, points: [[1, 2], [3]]", r"wanted a list of lists of numbers \(points\[1\]"),
        ("required: 1, names: [1]", r"names\[0\] is 1"),
        ("required: 1, flag: no", "flag='no' does not fit; wanted true or false"),
    ],
)
def test_parameters_of_the_wrong_type(params, message):
    with pytest.raises(sp.SpecError, match=message) as caught:
        sp.Graph.from_yaml(one_node(params))
    assert "node 'all'" in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"- 1\n", b"text\n", b"a: *b\n"])
def test_files_that_are_no_graphs_name_the_file(content, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(sp.SpecError, match=r"odd\.yaml: "):
        sp.Graph.from_yaml(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(sp.SpecError, match=r"nowhere\.yaml: the graph file cannot be read"):
        sp.Graph.from_yaml(str(tmp_path / "nowhere.yaml"))


def test_an_unknown_type_imports_nothing():
    script = """
import sys, sampipe as sp
before = set(sys.modules)
for bad in ("antigravity.fly@1", "this.that@1", "turtle.Turtle@1"):
    try:
        sp.Graph.from_yaml("{sampipe: 1, nodes: {a: {type: %s}}, outputs: {a: a.b}}" % bad)
    except sp.SpecError:
        continue
    raise SystemExit(f"{bad} was accepted")
assert not {"antigravity", "this", "turtle", "torch", "ultralytics"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
