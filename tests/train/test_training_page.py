"""docs/training.md: its lines run or are read by the command line, and its tables say what the code holds."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sampipe.cli.app import app
from sampipe.train.recipes import RECIPES, Recipe

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
[(CODE, OUTPUT)] = re.findall(r"```python\n(.*?)```\n+```\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("line", LINES)
def test_every_command_is_understood(line: str) -> None:
    words = shlex.split(line)
    words = words[words.index("sampipe.cli") + 1 :] if words[0] == "torchrun" else words[1:]
    done = CliRunner().invoke(app, [*words, "--help"])  # reads all options before it helps
    assert done.exit_code == 0, done.output


def test_the_python_lines_print_what_the_page_says(
    shapes_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shapes_folder.rename(tmp_path / "my_coco")
    monkeypatch.chdir(tmp_path)
    exec(compile(CODE, "docs/training.md", "exec"), {"__name__": "snippet"})
    number = re.compile(r"\d\.\d+")
    assert number.sub("0", capsys.readouterr().out) == number.sub("0", OUTPUT)


def column(name: str, found: Recipe) -> list[str]:
    settings, loop, optimizer = found.settings, found.loop, found.loop.optimizer
    loss, crop = settings.mask_loss, settings.crop
    values = [
        name,
        settings.interaction.rounds,
        f"{loss.focal_weight:g} : {loss.dice_weight:g}",
        "full" if crop.jitter and crop.flip and crop.stretch else "as they are",
        crop.masks,
        loop.steps,
        loop.batch_size,
        optimizer.learning_rate,
        optimizer.schedule,
        optimizer.weight_decay,
        optimizer.layer_decay,
        optimizer.drop_path,
        optimizer.ema,
    ]
    return [str(value) for value in values]


def test_the_table_of_recipes_is_that_of_the_code() -> None:
    start = PAGE.index("| | paper |")
    table = [row.strip("| ").split(" | ") for row in PAGE[start:].split("\n\n")[0].splitlines() if "---" not in row]
    rows = [["paper", "scratch", "finetune"], *[row[1:] for row in table[1:]]]
    assert [list(cells) for cells in zip(*rows, strict=True)] == [column(*item) for item in RECIPES.items()]
