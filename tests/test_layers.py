"""The house has one direction: a module imports from its own layer and from those below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ["types", "graph", "models", "data", "text", "nodes", "jobs", "video", "train", "measure", "pages", "cli"]
BASE = {"errors", "_cores", "_files", "_optional"}
BESIDE = {  # what stands beside the rooms, and what it imports
    "testing": {"types", "graph", "nodes"},
    "compat": {"types", "models", "nodes"},
}
VENDORS = {"ultralytics", "transformers", "onnxruntime", "open_clip", "gradio"}
SHARED = {"_optional", "_files"}  # small helpers that integrations share with the core
CORE = [path for path in sorted((ROOT / "sampipe").rglob("*.py")) if path != ROOT / "sampipe" / "__init__.py"]
INTEGRATIONS = sorted((ROOT / "integrations").rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def allowed_rooms(room: str) -> set[str]:
    """What a room imports: itself, the rooms before it and the base files."""
    if room in BASE:
        return BASE
    if room in BESIDE:
        return BASE | BESIDE[room]
    before = set(ROOMS[: ROOMS.index(room) + 1])
    return BASE | before | {name for name, below in BESIDE.items() if below < before}


def test_rooms_are_those_of_the_design() -> None:
    found = {path.parent.name for path in (ROOT / "sampipe").glob("*/__init__.py")}
    assert found == set(ROOMS)


@pytest.mark.parametrize("path", CORE, ids=short)
def test_core_imports_downwards_and_no_vendor(path: Path) -> None:
    room = path.relative_to(ROOT / "sampipe").parts[0].removesuffix(".py")
    allowed = allowed_rooms(room)
    for name in imports(path):
        top, _, rest = name.partition(".")
        if not (top == "gradio" and room == "pages"):
            assert top not in VENDORS, f"{name}: vendors are imported in integrations/ only"
        assert top != "sampipe_integrations", f"{name}: the core does not know its integrations"
        if top == "sampipe":
            target = rest.partition(".")[0]
            assert target in allowed | {"", "__version__"}, f"{room} imports {name}, which is not below it"


@pytest.mark.parametrize("path", INTEGRATIONS, ids=short)
def test_integrations_use_public_names(path: Path) -> None:
    for name in imports(path):
        if name.startswith("sampipe."):
            private = [part for part in name.split(".") if part.startswith("_") and part not in SHARED]
            assert not private, f"{name} is private; integrations use what everybody can use"


def test_no_two_test_files_share_a_name() -> None:
    """pytest imports them by name: of two, the second is an error."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert not [name for name in set(names) if names.count(name) > 1]
