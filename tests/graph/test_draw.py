"""Drawings: complete, well-formed, and nothing lies on top of anything else."""

from __future__ import annotations

import itertools
import random
import xml.etree.ElementTree as ElementTree

import pytest
from toy_nodes import Bright, Darken, Fill, Largest, Split

import sampipe as sp
from sampipe.graph.layout import layout

SVG = "{http://www.w3.org/2000/svg}"


@sp.register("toy")
class Say(sp.Node):
    text: str = ""

    def run(self, image: sp.Image) -> sp.Image:
        return image


def branches() -> sp.Graph:
    split, bright, fill, keep, say = Split(), Bright(), Fill(), Largest(), Say(text='<"quoted" & #1>')

    def function(image: sp.Image, prompts: sp.Prompts | None = None):
        halves = split(say(image))
        dark = Darken()(halves.left, prompts=prompts)
        return {
            "left": keep(fill(dark, bright(dark))),
            "right": keep(fill(halves.right, bright(halves.right))),
        }

    return sp.trace(function)


def test_mermaid_has_every_node_and_wire():
    text = (Bright(threshold=3) | Fill()).mermaid()
    assert text == (
        "flowchart LR\n"
        '    in_image(["image: Image"])\n'
        '    n_bright["bright<br/>Bright(threshold=3)"]\n'
        '    n_fill["fill<br/>Fill()"]\n'
        '    out_masks(["masks"])\n'
        "    in_image -->|image| n_bright\n"
        "    in_image -->|image| n_fill\n"
        "    n_bright -->|prompts| n_fill\n"
        "    n_fill -->|masks| out_masks\n"
    )


def test_mermaid_quotes_what_means_something_to_it():
    line = next(line for line in branches().mermaid().splitlines() if "n_say[" in line)
    assert line == """    n_say["say<br/>Say(text='#lt;#quot;quoted#quot; #amp; #35;1#gt;')"]"""


def test_svg_shows_every_name_port_and_wire(tmp_path):
    graph = branches()
    root = ElementTree.fromstring(graph.svg(tmp_path / "graph.svg"))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for name, node in graph.nodes.items():
        assert name in texts
        assert texts.count(name) == 1
        assert {*node.ports.inputs, *node.ports.outputs} <= set(texts)
    assert {"image: Image", "prompts: Prompts?", "left", "right"} <= set(texts)
    wires = sum(map(len, graph.wires.values())) + len(graph.outputs)
    assert len(list(root.iter(f"{SVG}path"))) == wires
    assert (tmp_path / "graph.svg").read_text() == graph._repr_svg_()


def test_svg_stays_inside_its_frame_and_boxes_apart():
    root = ElementTree.fromstring(branches().svg())
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    boxes = []
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        assert left <= x and x + w <= left + width and top <= y and y + h <= top + height
        boxes.append((x, y, x + w, y + h))
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for text in root.iter(f"{SVG}text"):  # 0.61 em a letter is the widest of the usual monospace fonts
        if text.attrib["text-anchor"] == "start":
            assert any(
                box[0] <= float(text.attrib["x"]) and float(text.attrib["x"]) + len(text.text) * 6.7 <= box[2]
                for box in boxes
            )


@pytest.mark.parametrize("seed", range(5))
def test_layout_of_random_graphs(seed):
    chance = random.Random(seed)
    names = [f"n{index}" for index in range(12)]
    sizes = {name: (chance.uniform(40, 200), chance.uniform(28, 120)) for name in names}
    edges = [(one, other) for one, other in itertools.combinations(names, 2) if chance.random() < 0.25]
    placed = layout(sizes, edges)
    spans = {}
    for name, (width, height) in sizes.items():
        x, y = placed.x[name], placed.y[name]
        assert x >= 0 and x + width <= placed.width + 0.01
        assert y - height / 2 >= -0.01 and y + height / 2 <= placed.height + 0.01
        spans[name] = (x, y - height / 2, x + width, y + height / 2)
    for start, end in edges:
        assert spans[start][2] < spans[end][0]
        for left, right, y in placed.lanes[start, end]:
            for x0, y0, x1, y1 in spans.values():
                assert right <= x0 or x1 <= left or not y0 < y < y1
    for one, other in itertools.combinations(spans.values(), 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
