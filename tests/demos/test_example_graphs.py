"""The example graphs load, need nothing but weights, and say in their first lines how to run them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sampipe.cli import app
from sampipe.graph import Graph

FILES = sorted((Path(__file__).parents[2] / "demos" / "graphs").glob("*.yaml"))
THEIR_OWN_WEIGHTS = {  # what has to be downloaded, or trained, first
    "yolox.yaml": "yolox_nano.onnx",
    "text_detector.yaml": "grounding-dino",
    "text_token.yaml": "vit_b_text.safetensors",
}


def test_there_are_examples() -> None:
    assert {"boxes", "edges", "everything", "faces", "gaze", "similar", "yolox"} <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_but_weights_can_be_missing(path: Path) -> None:
    report = Graph.from_yaml(path).check()
    assert [problem for problem in report.problems if problem.kind != "weights"] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sampipe_check_says_ready(path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(path)])
    if path.name in THEIR_OWN_WEIGHTS and result.exit_code:
        assert THEIR_OWN_WEIGHTS[path.name] in result.output
    else:
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_comment_says_how_to_run_it(path: Path) -> None:
    first, second = path.read_text().splitlines()[:2]
    assert first.startswith("# ")
    assert second.startswith(f"#   sampipe run demos/graphs/{path.name} ")
