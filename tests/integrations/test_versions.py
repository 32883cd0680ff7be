"""The tables of docs/integrations.md name the versions that are installed, and .ci/latest tries those packages."""

import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\b([a-z][a-z0-9_-]*) (\d+\.\d+[\w.]*)")


def named_versions():
    """By distribution, what the second column of the tables says was tested."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if line.startswith("|") and len(cells) == 7:
            for name, number in NAMED.findall(cells[2]):
                found.setdefault(name, set()).add(number)
    return found


NAMES = named_versions()


@pytest.mark.parametrize("name", NAMES)
def test_the_version_in_the_table_is_the_one_that_is_installed(name):
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here: a host with an environment of its own")
    feature = installed.split(".")[:2]
    assert feature in [one.split(".")[:2] for one in NAMES[name]], (
        f"docs/integrations.md says {name} {', '.join(sorted(NAMES[name]))}, and {installed} is installed: run its "
        "tests, and write that"
    )


def test_the_newest_of_every_package_in_the_table_is_tried():
    listed = subprocess.run([ROOT / ".ci" / "latest", "--list"], capture_output=True, text=True, check=True).stdout
    rows = [[cell.split() for cell in line.split("|")] for line in listed.splitlines()]
    tried = {package for _, packages, _, _ in rows for package in packages}
    assert len(NAMES) > 12 and set(NAMES) <= tried
    assert not [test for *_, tests in rows for test in tests if not (ROOT / "tests" / test).exists()]
