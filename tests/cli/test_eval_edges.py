"""``sampipe eval edges``: table, file, plot, and the smoke run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from sampipe.measure.quality.smoke import write_edges

Sampipe = Callable[..., Result]


def test_table_file_and_plot(sampipe: Sampipe, tmp_path: Path) -> None:
    photos = write_edges(tmp_path / "bsds")
    words = ("--json", tmp_path / "figures.json", "--plot", tmp_path / "figures.png")
    text = sampipe("eval", "edges", "--data", photos, "--model", "canny", "--competitors", "sobel", *words).stdout
    summary = json.loads((tmp_path / "figures.json").read_text())["summary"]
    shown = re.findall(r"^(canny|sobel) +(\S+) +(\S+) +(\S+) +(\S+) ", text, re.MULTILINE)
    assert shown == [
        (name, *(f"{summary[start + key]:.4f}" for key in ("ods", "ois", "ap", "r50")))
        for name, start in (("canny", ""), ("sobel", "sobel_"))
    ]
    assert "2 images of BSDS500 val" in text
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_smoke_needs_nothing(sampipe: Sampipe) -> None:
    result = sampipe("eval", "edges", "--smoke", "--competitors", "none")
    assert "the figures mean nothing" in result.stderr
    assert "2 images" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--competitors", "prewitt"), "there are sobel, canny"),
        (("--split", "test"), "there are the splits val"),
        (("--model", "vit_z"), "vit_z"),
    ],
)
def test_errors_are_one_line(sampipe: Sampipe, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    model = () if "--model" in words else ("--model", "sobel")
    photos = write_edges(tmp_path / "bsds")
    result = sampipe("eval", "edges", "--data", photos, *model, *words, ok=False)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
