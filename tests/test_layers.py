"""The house has one direction: a module imports from its own layer and from those below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASE = {"errors", "_colors", "_files", "_optional", "_report"}
BELOW = {
    "errors": set(),
    "_colors": set(),
    "_optional": {"errors"},
    "_files": set(),
    "_report": set(),
    "types": BASE,
    "graph": BASE | {"types"},
    "testing": BASE | {"types", "graph"},
    "formats": BASE | {"types"},
    "models": BASE | {"types"},
    "text": BASE | {"types", "graph", "models"},
    "nodes": BASE | {"types", "formats", "graph", "models", "text"},
    "engine": BASE | {"types", "graph"},
    "jobs": BASE | {"types", "formats", "graph", "models", "nodes", "engine"},
    "ray": BASE | {"types", "graph", "engine", "jobs"},
    "video": BASE | {"types", "graph", "models", "nodes", "engine", "jobs"},
    "train": BASE | {"types", "graph", "testing", "models", "text", "nodes", "engine"},
    "eval": BASE | {"types", "graph", "testing", "models", "text", "nodes", "engine", "train"},
    "export": BASE | {"types", "models"},
    "web": BASE | {"types", "graph", "models", "nodes", "engine"},
    "demo": BASE | {"types", "graph", "models", "nodes", "text", "engine", "export", "video", "web"},
}
PAGES = {"web", "demo", "annotate"}  # they are made of Gradio
VENDORS = {"ultralytics", "transformers", "onnxruntime", "torchvision", "open_clip", "gradio"}
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


@pytest.mark.parametrize("path", CORE, ids=short)
def test_core_imports_downwards_and_no_vendor(path: Path) -> None:
    layer = path.relative_to(ROOT / "sampipe").parts[0].removesuffix(".py")
    allowed = BELOW.get(layer)  # None: the command line and what stands beside it, on top of everything
    for name in imports(path):
        top, _, rest = name.partition(".")
        if not (top == "gradio" and layer in PAGES):
            assert top not in VENDORS, f"{name}: vendors are imported in integrations/ only"
        assert top != "sampipe_integrations", f"{name}: the core does not know its integrations"
        if top == "sampipe" and allowed is not None:
            target = rest.partition(".")[0]
            assert target in allowed | {layer, "__version__"}, f"{layer} imports {name}, which is not below it"


@pytest.mark.parametrize("path", INTEGRATIONS, ids=short)
def test_integrations_use_public_names(path: Path) -> None:
    for name in imports(path):
        if name.startswith("sampipe."):
            private = [part for part in name.split(".") if part.startswith("_") and part not in SHARED]
            assert not private, f"{name} is private; integrations use what everybody can use"
