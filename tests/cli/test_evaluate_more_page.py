"""docs/evaluate_more.md: its commands and their options exist as written, and there is a section for each."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from sampipe.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "evaluate_more.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line.partition(" &")[0].partition(";")[0] for body in BLOCKS for line in body.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_and_its_options_exist(command: str) -> None:
    program, *words = shlex.split(command)
    assert program == "sampipe"
    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands"):
        name, *words = words
        found = found.commands[name]
    assert found.make_context(name, words).params


@pytest.mark.parametrize("command", ["eval edges", "eval fairness", "eval dataset", "data convert"])
def test_every_command_is_shown(command: str) -> None:
    assert any(one.startswith(f"sampipe {command} ") for one in COMMANDS)
