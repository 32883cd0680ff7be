"""The files and folders that the docs name are there, and docs/architecture.md forgets no room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(r"`((?:sampipe|integrations|tests|demos)/[\w/.]+|pyproject\.toml)`")


def named(page: Path) -> set[str]:
    return set(NAMED.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_is_there(page: Path) -> None:
    assert [path for path in sorted(named(page)) if not (ROOT / path).exists()] == []


def test_every_room_has_a_row() -> None:
    rooms = {f"sampipe/{init.parent.name}" for init in (ROOT / "sampipe").glob("*/__init__.py")}
    assert rooms <= named(ROOT / "docs" / "architecture.md")
