"""``sampipe eval fairness`` and ``sampipe eval dataset``: tables, files, smoke runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Sampipe = Callable[..., Result]


def test_fairness_says_whether_intervals_overlap(sampipe: Sampipe, tmp_path: Path) -> None:
    words = ("--json", tmp_path / "f.json", "--plot", tmp_path / "f.png")
    result = sampipe("eval", "fairness", "--smoke", "--competitors", "none", *words)
    groups = json.loads((tmp_path / "f.json").read_text())["summary"]["groups"]["side"]
    for name in ("left", "right"):
        assert f"{groups['groups'][name]['mean_iou_3']:.4f}" in result.stdout
    says = "all intervals overlap" if not groups["apart"]["1"] else "intervals do not overlap: left and right"
    assert f"1 point: {says}" in result.stdout
    assert "6 people in 2 images" in result.stdout
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")


def test_data_set_in_table_file_plot_and_page(sampipe: Sampipe, tmp_path: Path) -> None:
    places = tmp_path / "places.csv"
    places.write_text("image,country\n1.png,Peru\n")
    words = ("--json", tmp_path / "d.json", "--plot", tmp_path / "d.svg", "--html", tmp_path / "d.html")
    result = sampipe("eval", "dataset", "--smoke", "--places", places, *words)
    document = json.loads((tmp_path / "d.json").read_text())
    assert document["n"] == 6
    assert "3.0 (95 %: 3.0 to 3.0)" in result.stdout
    assert "Peru" in result.stdout and "unknown" in result.stdout
    assert "<svg" in (tmp_path / "d.svg").read_text()
    assert "Peru" in (tmp_path / "d.html").read_text()


def test_errors_are_one_line(sampipe: Sampipe, tmp_path: Path) -> None:
    for words, message in (
        (("dataset", "--data", tmp_path), "not a data set of a known format"),
        (("dataset", "--data", tmp_path, "--kind", "zip"), "there are auto, "),
        (("fairness", "--data", tmp_path), "wanted one"),
    ):
        result = sampipe("eval", *words, ok=False)
        assert result.exit_code == 1
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1
