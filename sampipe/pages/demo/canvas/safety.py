"""What a graph that somebody brought to a page may not do: leave files here, or read any file of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sampipe.errors import DataError, SampipeError
from sampipe.graph.registry import find
from sampipe.graph.spec import GraphSpec, NodeSpec
from sampipe.pages.demo.canvas.draft import draft_of
from sampipe.pages.shared.uploads import MODEL_SUFFIXES, model_files, uploads_folder

_OURS = ("sample:",)


def refuse(draft: GraphSpec) -> None:
    """Look at every node and parameter, also of graphs inside a parameter.

    Raises:
        DataError: the first of :func:`refused`.
    """
    for name, why in refused(draft).items():
        raise DataError(f"{name}: {why}")


def refused(draft: GraphSpec) -> dict[str, str]:
    """By node: why a page does not run it.

    It saves; or a parameter is an address, or the path of a file or folder here which is neither an uploaded model
    nor among :func:`sampipe.pages.shared.uploads.model_files`.
    """
    return {name: why for name, one in draft.nodes.items() if (why := _why(one))}


def _why(one: NodeSpec) -> str:
    try:
        cls = find(one.type)
    except SampipeError:  # an unknown node does not run
        return ""
    if not cls.pure and not cls.stateful:
        return (
            f"{cls.__name__} leaves files on this machine, which a page does not do for a graph that was brought to "
            "it; remove the node here, or use `sampipe run`."
        )
    for text in _texts(one.params):
        inner = _inner(text)
        if inner is not None and (found := refused(inner)):
            return "; ".join(f"in its graph, {name}: {why}" for name, why in found.items())
        if inner is None and is_foreign_path(text):
            return (
                f"a page opens no path of this machine ({text[:80]!r}) and no address; upload the file, start `sampipe "
                "demo` in the folder of the model file, or use `sampipe run`."
            )
    return ""


def _inner(text: str) -> GraphSpec | None:
    """The graph that a parameter holds as a text."""
    if "\n" not in text and not text.lstrip().startswith("{"):
        return None
    try:
        return draft_of(text)
    except SampipeError:
        return None


def is_foreign_path(text: str) -> bool:
    """Whether a text is an address, or names something on this machine's disk that a page has no business with."""
    if "://" in text:
        return True
    if not text or text.startswith(_OURS) or len(text) > 4096 or "\0" in text:
        return False
    path = Path(text).expanduser()
    try:
        there = path.exists()
    except OSError:
        return False
    if not there or text in model_files():
        return False
    return not _is_uploaded_model(path)


def _is_uploaded_model(path: Path) -> bool:
    """A file of weights; a text could name other files, whatever its own name."""
    file = path.resolve()
    if not file.is_relative_to(uploads_folder()) or not file.is_file() or file.suffix not in MODEL_SUFFIXES:
        return False
    with file.open("rb") as opened:
        return b"\0" in opened.read(1 << 16)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
