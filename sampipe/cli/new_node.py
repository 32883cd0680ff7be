"""``sampipe new-node``: the package of a node of one's own, ready to install and to test."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

_TEMPLATES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "package.py": "{package}/__init__.py",
    "node.py": "{package}/node.py",
    "test.py": "tests/test_{name}.py",
}


def new_node(
    name: Annotated[str, typer.Argument(help="What the node is called: bright_spots, bright-spots or BrightSpots.")],
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to put it; by default a new folder sampipe-NAME here.")
    ] = None,
) -> None:
    """Write a package with one node, its entry point, a test and a README."""
    from sampipe.errors import SpecError

    words = _words(name)
    target = folder or Path(f"sampipe-{'-'.join(words)}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SpecError(f"{target} is there already; give another --folder, or an empty one")
    _check_vendor("_".join(words))
    for path in write_package(words, target):
        print(path)
    print(f"\nInstall and try it:\n\n  pip install -e {target}\n  pytest {target}\n  sampipe nodes {_camel(words)}")


def write_package(words: list[str], target: Path) -> list[Path]:
    """Fill the templates for a node named by ``words`` into ``target``; gives the files written."""
    from sampipe import __version__

    name = "_".join(words)
    values = {
        "name": name,
        "title": " ".join(words),
        "package": f"sampipe_{name}",
        "distribution": f"sampipe-{'-'.join(words)}",
        "node": _camel(words),
        "version": __version__,
    }
    folder = files("sampipe.cli").joinpath("new_node_files")
    written = []
    for template, place in _TEMPLATES.items():
        text = folder.joinpath(f"{template}.txt").read_text(encoding="utf-8")
        path = target / place.format(**values)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(text).substitute(values), encoding="utf-8")
        written.append(path)
    return written


def _words(name: str) -> list[str]:
    """``BrightSpots``, ``bright_spots`` and ``bright-spots`` are bright, spots."""
    from sampipe.errors import SpecError
    from sampipe.graph.names import snake_case

    words = [word for word in re.split(r"[-_\s]+", snake_case(name)) if word]
    if words[:1] == ["sampipe"]:
        words = words[1:]
    joined = "_".join(words)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", joined):
        raise SpecError(f"{name!r} cannot name a node: use letters and digits, beginning with a letter: bright_spots")
    return words


def _camel(words: list[str]) -> str:
    return "".join(word.capitalize() for word in words)


def _check_vendor(name: str) -> None:
    """A vendor's name is what graph files begin a type with, so two packages cannot share one."""
    from sampipe.errors import SpecError
    from sampipe.graph.registry import vendors

    if name in vendors():
        raise SpecError(f"{name!r} is an installed vendor of nodes ({vendors()[name]}); choose another name")
