"""check: everything that is missing, at once, before anything loads."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from toy_nodes import Bright, Darken, Fill

import sampipe as sp
from sampipe.graph.check import check_file


@sp.register("toy")
class Heavy(sp.Node):
    weights: str = "/nowhere/model.pt"
    device: str = "cuda:99"
    broken: bool = False

    @sp.resource
    def model(self) -> object:
        raise AssertionError("check loaded the model")

    def requirements(self) -> Sequence[sp.Requirement]:
        if self.broken:
            raise RuntimeError("oops")
        return (
            sp.Requirement.package("a_package_that_is_not_there", extra="heavy"),
            sp.Requirement.package("numpy"),
            sp.Requirement.package("other_missing.part", pip="other-missing>=2"),
            sp.Requirement.file(self.weights),
            sp.Requirement.device(self.device),
            sp.Requirement.device("auto"),
            sp.Requirement.device("cpu"),
        )

    def run(self, image: sp.Image) -> sp.Prompts:
        raise AssertionError("check ran the node")


def found(report) -> list[tuple[str | None, str, str]]:
    return [(one.node, one.kind, one.fix) for one in report.problems]


def test_nothing_is_wrong():
    report = (Bright() | Fill()).check()
    assert report.ok and report
    assert str(report) == "No problems found."


def test_packages_weights_and_devices():
    report = (Heavy() | Fill()).check()
    assert not report.ok
    assert found(report) == [
        ("heavy", "package", 'pip install "sampipe[heavy]"'),
        ("heavy", "package", "pip install other-missing>=2"),
        ("heavy", "weights", "put the file at /nowhere/model.pt"),
        ("heavy", "device", "use device='auto', or a machine that has it"),
    ]
    assert "'heavy' (Heavy) needs the weights '/nowhere/model.pt', which is not here." in str(report)


def test_weights_that_are_there(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"x")
    report = (Heavy(weights=str(path), device="cpu") | Fill()).check()
    assert {kind for _, kind, _ in found(report)} == {"package"}


def test_a_node_that_cannot_say_does_not_stop_the_check():
    report = (Darken() | Heavy(broken=True) | Fill()).check()
    assert found(report) == [("heavy", "node", "")]
    assert "RuntimeError('oops')" in str(report)


class Saver(sp.Node):
    pure = False

    def run(self, image: sp.Image) -> sp.Image:
        return image


def test_what_nothing_uses():
    bright, fill, unused, further, save = Bright(), Fill(), Darken(), Darken(), Saver()

    def function(image: sp.Image, spare: sp.Masks):
        further(unused(image))
        save(image)  # has an effect of its own
        return fill(image, bright(image))

    report = sp.trace(function).check()
    assert [(one.node, one.kind) for one in report.problems] == [
        ("unused", "unreachable"),
        ("further", "unreachable"),
        (None, "unreachable"),
    ]
    assert "no output of the graph needs what it gives (image: Image)" in report.problems[0].message
    assert "'spare' (Masks) feeds nothing" in report.problems[2].message


FILE = """
sampipe: 1
inputs: {image: Image}
nodes:
  a: {type: toy.Heavy@1, params: {device: cpu}, inputs: {image: $image}}
  b: {type: toy.Fill@1, inputs: {image: $image, prompts: a.prompts}}
outputs: {masks: b.masks}
"""


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ("", "", [("a", "package"), ("a", "package"), ("a", "weights")]),
        ("toy.", "tyo.", [("a", "type"), ("b", "type")]),
        ("device", "devise", [("a", "type")]),
        ("a.prompts", "a.boxes", [(None, "wires")]),
        ("a.prompts", "a", [(None, "file")]),
        ("inputs: {image: Image}", "inputs: {image: What}", [(None, "file")]),
        ("nodes:", "knots:", [(None, "file")]),
    ],
)
def test_files_are_checked_as_far_as_they_can_be_read(old, new, problems, tmp_path):
    path = tmp_path / "graph.yaml"
    path.write_text(FILE.replace(old, new))
    assert [(one.node, one.kind) for one in check_file(path).problems] == problems


def test_a_file_whose_vendor_needs_a_package(tmp_path):
    report = check_file(tmp_path / "nowhere.yaml")
    assert [one.kind for one in report.problems] == ["file"]
