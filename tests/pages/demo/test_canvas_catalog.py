"""What the canvas offers, read from the node classes themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

import sampipe as sp
from sampipe.graph.registry import node_types
from sampipe.pages.demo.canvas.catalog import catalog


def entry(type_id: str) -> dict[str, Any]:
    found: dict[str, Any] = catalog()["types"][type_id]
    return found


def params(type_id: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in entry(type_id)["params"]}


def test_limits_choices_and_help_are_those_of_the_fields() -> None:
    opacity = params("sampipe.Annotate@1")["opacity"]
    assert (opacity["kind"], opacity["least"], opacity["most"], opacity["default"]) == ("number", 0, 1, 0.4)
    assert params("sampipe.Segment@1")["multimask"]["choices"] == ["auto", "always", "never"]
    nms = params("sampipe.MaskNMS@1")
    assert [nms[name]["kind"] for name in ("iou", "on", "within_label")] == ["number", "choice", "switch"]
    assert nms["iou"]["help"].startswith("a mask goes when its IoU")
    assert params("sampipe.Points@1")["points"]["kind"] == "json"


def test_ports_categories_and_what_is_missing() -> None:
    segment = entry("sampipe.Segment@1")
    assert [one["name"] for one in segment["inputs"]] == ["image", "prompts"]
    assert segment["outputs"] == [{"name": "masks", "type": "Masks", "required": True}]
    assert (segment["category"], segment["missing"], segment["saves"]) == ("Segment", "", False)
    assert segment["help"]
    assert entry("skimage.FaceDetector@1")["category"] == "Detectors"
    assert entry("sampipe.SaveCoco@1")["saves"]
    assert entry("torchvision.TorchvisionDetector@1")["missing"], "no weights are here, and a line says how to get them"
    assert ["Prompts", "Prompts"] in catalog()["fits"]
    assert ["Prompts", "Masks"] not in catalog()["fits"]
    json.dumps(catalog(), allow_nan=False)


def test_a_node_that_is_not_sound_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Untyped(sp.Node):
        def run(self, image):
            return image

    class Needy(sp.Node):
        odd: Any = object()

        def requirements(self) -> Any:
            return ["a GPU"]

        def run(self, image: sp.Image) -> sp.Image:
            return image

    types = {"x.Untyped@1": Untyped, "x.Needy@1": Needy, **node_types()}
    monkeypatch.setattr("sampipe.pages.demo.canvas.catalog.node_types", lambda: types)
    found = catalog.__wrapped__()["types"]
    assert "does not say the type of 'image'" in found["x.Untyped@1"]["missing"]
    assert json.loads(json.dumps(found["x.Needy@1"]))["params"][0]["default"] is None
    assert "Needy.requirements() failed" in found["x.Needy@1"]["missing"]
    assert found["x.Untyped@1"]["inputs"] == [] and found["sampipe.Segment@1"]["inputs"]
