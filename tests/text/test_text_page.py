"""The snippets of docs/text.md run and print what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from sampipe.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "text.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```\n```\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_a_snippet_runs_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    [(code, output)] = SNIPPETS
    exec(compile(code, "docs/text.md", "exec"), {"__name__": "snippet"})
    assert capsys.readouterr().out == output


@pytest.mark.parametrize("line", COMMANDS)
def test_the_options_of_every_command_exist(line: str) -> None:
    program, *words = line.split()
    assert program == "sampipe"
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_example_graphs_are_there() -> None:
    folder = Path(__file__).parents[2] / "demos" / "graphs"
    named = set(re.findall(r"text_\w+\.yaml", PAGE))
    assert named == {path.name for path in folder.glob("text_*.yaml")}
