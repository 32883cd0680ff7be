"""``sampipe new-node``: what it writes installs, passes its own tests, and is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Sampipe = Callable[..., Result]


def python(*words: object, site: Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The scaffold of BrightSpots, and a folder that it was installed into."""
    from typer.testing import CliRunner

    from sampipe.cli import app

    folder = tmp_path_factory.mktemp("scaffold")
    package, site = folder / "sampipe-bright-spots", folder / "site"
    result = CliRunner().invoke(app, ["new-node", "BrightSpots", "--folder", str(package)], prog_name="sampipe")
    assert result.exit_code == 0, result.output
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", site]
    done = python(*pip, package, site=site)
    assert done.returncode == 0, done.stderr
    return package, site


def test_it_is_found_among_the_nodes_and_the_detectors(installed: tuple[Path, Path]) -> None:
    package, site = installed
    done = python("-m", "sampipe.cli", "nodes", "--json", site=site, folder=package)
    assert done.returncode == 0, done.stderr
    rows = {row["type"]: row for row in json.loads(done.stdout)}
    node = rows["bright_spots.BrightSpots@1"]
    assert [port["name"] for port in node["inputs"]] == ["image"]
    [count] = node["parameters"]
    assert (count["name"], count["required"], count["default"], count["limits"]) == ("count", False, 1, {"ge": 1})
    code = "from sampipe.graph.registry import detector as d; print(d('bright_spots:3').describe())"
    assert python("-c", code, site=site).stdout == "BrightSpots(count=3)\n"


def test_its_own_tests_pass(installed: tuple[Path, Path]) -> None:
    package, site = installed
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", package / "tests", site=site, folder=package)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_its_readme_says_what_works(installed: tuple[Path, Path]) -> None:
    package, site = installed
    readme = (package / "README.md").read_text()
    [snippet] = [part.split("```")[0] for part in readme.split("```python\n")[1:]]
    assert python("-c", snippet, site=site, folder=package).stdout == "2\n"


def test_nothing_is_left_to_fill_in_and_it_is_tidy(installed: tuple[Path, Path]) -> None:
    package, _ = installed
    names = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    wanted = {"README.md", "pyproject.toml", "sampipe_bright_spots/__init__.py", "sampipe_bright_spots/node.py"}
    assert wanted | {"tests/test_bright_spots.py"} <= names
    assert not [name for name in names if "$" in (package / name).read_text(errors="replace")]


@pytest.mark.parametrize("name", ["bright-spots", "bright_spots", "BrightSpots", "sampipe-bright-spots"])
def test_every_spelling_is_one_name(sampipe: Sampipe, name: str, tmp_path: Path) -> None:
    printed = sampipe("new-node", name, "--folder", tmp_path / "x").stdout
    assert str(tmp_path / "x" / "sampipe_bright_spots" / "node.py") in printed.replace("\n", "")
    assert "sampipe nodes BrightSpots" in printed


def test_names_and_places_that_cannot_be(sampipe: Sampipe, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    for words, reason in (
        (("1st",), "cannot name a node"),
        (("a b!",), "cannot name a node"),
        (("ultralytics",), "is an installed vendor"),
        (("fine", "--folder", tmp_path / "full"), "is there already"),
    ):
        result = sampipe("new-node", *words, ok=False)
        assert result.exit_code == 1 and reason in result.stderr, words
        assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"
