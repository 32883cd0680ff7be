"""Widgets from a node's fields."""

from __future__ import annotations

from typing import Literal

import gradio as gr
import pytest

import sampipe as sp
from sampipe.demo.params import changed, params_of, value_of, widget
from sampipe.errors import DataError
from sampipe.nodes import Annotate, LargestMasks, MaskNMS, Points, Segment, SegmentEverything


def test_ranges_are_those_that_the_node_itself_states() -> None:
    found = {one.name: (one.least, one.most) for one in params_of(SegmentEverything)}
    assert found["points_per_side"] == (1, 1024)
    assert found["crop_overlap"] == (0, 0.9)
    assert found["points_per_batch"] == (1, None)
    opacity = next(one for one in params_of(Annotate) if one.name == "opacity")
    slider = widget(opacity, 0.4)
    assert isinstance(slider, gr.Slider)
    assert (slider.minimum, slider.maximum, slider.value) == (0, 1, 0.4)


def test_kinds_choices_and_help() -> None:
    segment = {one.name: one for one in params_of(Segment)}
    assert segment["multimask"].kind == "choice"
    assert segment["multimask"].choices == ("auto", "always", "never")
    nms = {one.name: one for one in params_of(MaskNMS)}
    assert (nms["iou"].kind, nms["on"].kind, nms["within_label"].kind) == ("number", "choice", "switch")
    assert nms["iou"].help.startswith("a mask goes when its IoU")
    assert {one.name: one.kind for one in params_of(LargestMasks)} == {"count": "whole"}


def test_a_third_partys_node_needs_nothing_special() -> None:
    class Odd(sp.Node):
        mode: Literal["a", "b"] = "a"
        names: tuple[str, ...] = ("x",)
        limit: int | None = None

        def __post_init__(self) -> None:
            if self.limit is not None and self.limit > 5:
                raise RuntimeError("its own kind of error")

        def run(self, image: sp.Image) -> sp.Image:
            return image

    mode, names, limit = params_of(Odd)
    assert (mode.kind, names.kind, limit.kind, limit.optional) == ("choice", "json", "whole", True)
    assert value_of(names, '["a", "b"]') == ["a", "b"]
    assert value_of(limit, "") is None
    assert value_of(limit, "3") == 3
    assert changed((mode, names, limit), {"mode": "b", "names": ["x"], "limit": None}) == {"mode": "b"}
    for param, text in ((names, "[a"), (limit, "many")):
        with pytest.raises(DataError, match=param.name):
            value_of(param, text)


def test_lists_are_json_texts() -> None:
    points = next(one for one in params_of(Points) if one.name == "points")
    assert points.kind == "json"
    box = widget(points, [[1, 2]])
    assert isinstance(box, gr.Textbox)
    assert value_of(points, box.value) == [[1, 2]]
