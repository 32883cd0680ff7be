"""What docs/annotate.md tells people to run is run, in order and in one folder, and prints what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sampipe.types import Image

pytest.importorskip("gradio", reason='the page needs pip install "sampipe[demo]"')

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "annotate.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"(<!-- not run: [^\n]+ -->\n)?^```(bash|python)\n(.*?)^```\n(?:\n```text\n(.*?)```\n)?",
    PAGE,
    re.DOTALL | re.MULTILINE,
)


def test_the_blocks_print_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("astronaut", "rocket"):
        Image.open(f"sample:{name}").to_pil().save(tmp_path / "photos" / f"{name}.png")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ran = [(language, body, output) for skipped, language, body, output in BLOCKS if not skipped]
    assert len(ran) == 2 and len(BLOCKS) == 4
    for language, body, output in ran:
        command = [sys.executable, "-c", body] if language == "python" else ["bash", "-euo", "pipefail", "-c", body]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stdout) == (0, output), done.stderr


def test_every_key_of_the_page_is_told() -> None:
    script = (ROOT / "sampipe" / "pages" / "label" / "static" / "annotate.js").read_text(encoding="utf-8")
    shown = script[script.index("sampipe.KEYS = [") : script.index("sampipe.AnnotatePage")]
    table = PAGE[PAGE.index("| key | does |") : PAGE.index("## Pre-filled")]
    keys = {key for group in re.findall(r'\["([^"]+)", "', shown) for key in re.split(r",? ", group)}
    assert keys and {key for key in keys if key not in table} == set()


def test_images_and_pages_that_are_named_are_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / "docs" / target).is_file(), target
