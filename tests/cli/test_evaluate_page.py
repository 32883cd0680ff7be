"""docs/evaluate.md: its Python runs and prints what it says, its smoke run too, its other commands exist as written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from sampipe.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
SNIPPETS = [(body, output) for language, body, output in BLOCKS if language == "python"]
COMMANDS = [line for language, body, _ in BLOCKS if language == "bash" for line in body.splitlines()]


@pytest.mark.parametrize(("body", "output"), SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_prints_what_the_page_says(body: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(body, "docs/evaluate.md", "exec"), {"__name__": "snippet"})
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_exist(command: str) -> None:
    root: Any = typer.main.get_command(app)
    program, group, task, *words = shlex.split(command)
    assert (program, group) == ("sampipe", "eval")
    task_command = root.commands[group].commands[task]
    context = task_command.make_context(task, words)
    assert context.params["data"] or context.params["smoke"]


def test_the_smoke_run_prints_what_the_page_says(
    sampipe: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    [(command, output)] = [(body.strip(), shown) for _, body, shown in BLOCKS if "--smoke" in body]
    monkeypatch.setenv("COLUMNS", "100")
    printed = sampipe(*shlex.split(command)[1:]).stdout
    assert without_numbers(printed) == without_numbers(output)
    assert re.findall(r"^ellipse +(0\.8405)", printed, re.MULTILINE) == ["0.8405"]


def without_numbers(text: str) -> list[str]:
    """The words; seconds and digests differ from run to run and from machine to machine."""
    words = re.sub(r"weights [0-9a-f]+, torch \S+,", "weights, torch,", text)
    return re.sub(r"[-+]?\d+(\.\d+)?", "0", re.sub(r"[─━]+", " ", words)).split()


def test_there_is_a_section_for_each_command() -> None:
    for task in ("boxes", "points", "proposals", "instances"):
        assert f"\n## {task.capitalize()}\n" in PAGE
        assert any(command.startswith(f"sampipe eval {task} ") for command in COMMANDS)
