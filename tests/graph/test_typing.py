"""mypy and pyright read wires from `run`: four planted mistakes are found, correct code is accepted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from typing import NamedTuple

import sampipe as sp


class Found(NamedTuple):
    prompts: sp.Prompts
    edges: sp.EdgeMap


class Detect(sp.Node):
    confidence: float = 0.25

    @sp.resource
    def names(self) -> list[str]:
        return ["cat"]

    def run(self, image: sp.Image) -> Found:
        self.names.append("dog")
        raise NotImplementedError


class Segment(sp.Node):
    model: str = "nano"

    @sp.resource(shared=lambda self: ("size", self.model))
    def size(self) -> int:
        return 3

    def run(self, image: sp.Image, prompts: sp.Prompts, edges: sp.EdgeMap | None = None) -> sp.Masks:
        return sp.Masks.empty((self.size, 4))


detect, segment = Detect(confidence=0.3).named("detect"), Segment(model="vit_b")


def pipeline(image: sp.Image) -> sp.Masks:
    found = detect(image)
    return segment(image, prompts=found.prompts, edges=found.edges)


graph: sp.Graph = sp.trace(pipeline)
chain: sp.Graph = detect | segment | Segment()
masks = chain.run(image=sp.Image.open("street.jpg")).masks
"""

BAD = """
import sampipe as sp
from good import Segment, detect, segment


def pipeline(image: sp.Image) -> sp.Masks:
    found = detect(image)
    segment(image, prompts=image)  # planted: wrong type
    segment(image, prompt=found.prompts)  # planted: wrong input name
    segment(image, prompts=found.boxes)  # planted: wrong output port
    Segment(model=3)  # planted: wrong parameter type
    return segment(image, found.prompts)
"""
PLANTED = {number for number, line in enumerate(BAD.splitlines(), 1) if "planted" in line}

CONFIG = """
[mypy]
strict = True
[mypy-torch.*,torchvision.*,supervision.*,huggingface_hub.*,safetensors.*,PIL.*,pydantic.*,rich.*,yaml.*]
follow_imports = skip
follow_imports_for_stubs = True
"""  # what these packages say about themselves does not matter here, and takes most of the time


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / "mypy.ini").write_text(CONFIG)
    return tmp_path


def run(code: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command, "good.py", "bad.py"], cwd=code, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_mypy_rejects_the_four_and_accepts_the_rest(code: Path):
    lines = run(code, "mypy", "--strict", "--config-file", "mypy.ini", "--cache-dir", ".cache").splitlines()
    errors = [line.split(":")[:2] for line in lines if ": error:" in line]
    assert {file for file, _ in errors} == {"bad.py"}, lines
    assert {int(number) for _, number in errors} == PLANTED, lines


def test_pyright_rejects_the_four_and_accepts_the_rest(code: Path):
    report = json.loads(run(code, "pyright", "--outputjson", "--pythonpath", sys.executable))
    errors = [one for one in report["generalDiagnostics"] if one["severity"] == "error"]
    assert {Path(one["file"]).name for one in errors} == {"bad.py"}, errors
    assert {one["range"]["start"]["line"] + 1 for one in errors} == PLANTED, errors
