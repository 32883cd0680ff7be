"""What README.md and some pages of docs/ tell people to run is run, and compared with what they say is printed.

A block under ``<!-- not run: REASON -->`` is left alone. Each block runs in an empty folder of its own,
beside a link to ``demos``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/big_images.md", "docs/formats.md", "docs/jobs.md", "docs/video.md")
SET_UP_LINES = ("pip install . && sampipe segment sample:coffee --out out", 'pip install ".[test]" && pytest')
BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^\n]+ -->\n)?^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Block:
    """A fenced block; ``output`` is the text block directly after it."""

    language: str
    body: str
    output: str | None
    skipped: bool
    line: int
    page: str = ""


def read_blocks(text: str, page: str = "") -> list[Block]:
    matches = list(BLOCK.finditer(text))
    blocks: list[Block] = []
    for index, match in enumerate(matches):
        after = matches[index + 1] if index + 1 < len(matches) else None
        follows = after is not None and not text[match.end() : after.start()].strip()
        output = after["body"] if after and follows and after["language"] == "text" else None
        line = text[: match.start()].count("\n") + 1
        blocks.append(Block(match["language"], match["body"], output, match["skip"] is not None, line, page))
    return blocks


BLOCKS = [block for page in PAGES for block in read_blocks((ROOT / page).read_text(encoding="utf-8"), page)]


def runnable(language: str, start: str = "") -> list[object]:
    found = [b for b in BLOCKS if b.language == language and not b.skipped and b.body.startswith(start)]
    return [pytest.param(block, id=f"{block.page}-{block.line}") for block in found]


def test_blocks_are_found_with_what_follows_them() -> None:
    text = "```bash\nsampipe x\n```\n\n```text\nprinted\n```\n<!-- not run: slow -->\n```python\n1\n```\n"
    first, printed, last = read_blocks(text)
    assert (first.language, first.body, first.output, first.line) == ("bash", "sampipe x\n", "printed\n", 1)
    assert (printed.language, printed.output) == ("text", None)
    assert (last.language, last.skipped, first.skipped) == ("python", True, False)


def test_there_is_something_to_run() -> None:
    assert runnable("python")
    assert runnable("bash", start="sampipe")


@pytest.mark.parametrize("line", SET_UP_LINES)
def test_set_up_lines_stand_in_a_bash_block_once(line: str) -> None:
    lines = [each for block in BLOCKS if block.language == "bash" for each in block.body.splitlines()]
    assert lines.count(line) == 1


def test_each_output_block_follows_what_prints_it() -> None:
    outputs = [block for block in BLOCKS if block.language == "text" and not block.skipped]
    shown = {block.output for block in BLOCKS if block.language in ("bash", "python")}
    assert [(block.page, block.line) for block in outputs if block.body not in shown] == []


def run(command: list[str], folder: Path) -> str:
    (folder / "demos").symlink_to(ROOT / "demos")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", runnable("python"))
def test_python_prints_what_the_page_says(block: Block, tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(block.body, encoding="utf-8")
    printed = run([sys.executable, "snippet.py"], tmp_path)
    if block.output is not None:
        assert words(printed) == words(block.output)
        assert numbers(printed) == pytest.approx(numbers(block.output), rel=0.03, abs=0.02)


@pytest.mark.parametrize("block", runnable("bash", start="sampipe"))
def test_commands_run_and_print_what_the_page_says(block: Block, tmp_path: Path) -> None:
    printed = run(["bash", "-euo", "pipefail", "-c", block.body], tmp_path)
    if block.output is not None:  # its seconds differ from run to run, so only the words are compared
        assert words(printed) == words(block.output)


def words(text: str) -> list[str]:
    """The words, with every number as 0 and the lines of tables taken out."""
    return NUMBER.sub("0", re.sub(r"[─━╴╶│┃]+", " ", text)).split()


def numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]
