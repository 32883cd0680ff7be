"""``sampipe segment --text``: which way it takes, and what it cannot do, said before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sampipe.cli import app
from sampipe.text.modes import choose_mode


def run(*words: str) -> object:
    return CliRunner().invoke(app, ["segment", "sample:astronaut", *words])


def test_words_find_what_the_package_knows(tmp_path: Path) -> None:
    result = run("--text", "person", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "text by dense (its text head, phrases by words)" in " ".join(result.output.split())
    assert (tmp_path / "astronaut.overlay.png").is_file()
    assert '"person"' in (tmp_path / "annotations.json").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--text", ""), "asks for nothing"),
        (("--text", "x" * 10_000), "10,000 characters"),
        (("--text", "a blorgish wug"), "does not know 'wug', 'blorgish'"),
        (("--text", "🐶"), "does not know '🐶'"),
        (("--text", "dog", "--text-mode", "telepathy"), "wanted one of token, rank, dense, detector"),
        (("--text", "dog", "--text-mode", "token"), "train token"),
        (("--text", "dog", "--text-mode", "detector"), "needs"),
        (("--text", "dog", "--detector", "face"), "takes no words"),
        (("--text", "dog", "--everything"), "exclude each other"),
        (("--text-mode", "dense"), "give one, too"),
    ],
)
def test_what_does_not_work_is_said(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    result = run(*words, "--out", str(tmp_path))
    assert result.exit_code != 0
    assert says in " ".join(result.output.replace("│", " ").split())


def test_ways_in_order() -> None:
    def way(**changed: object) -> str:
        options = {"model": "nano", "mode": None, "clip": None, "detector": False} | changed
        return str(choose_mode(["dog"], **options))

    assert way() == "text by dense (its text head, phrases by words)"
    assert way(mode="rank") == "text by rank (its text head, phrases by words)"
    assert way(clip="ViT-B-32/openai") == "text by dense (ViT-B-32/openai)"
    assert way(detector=True) == "text by detector"
