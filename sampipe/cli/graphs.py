"""``sampipe check`` and ``sampipe draw``: look at a graph file without running it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from sampipe.cli import _options as options
from sampipe.cli import _screen

GraphFile = Annotated[Path, typer.Argument(metavar="GRAPH.yaml", help="A graph file.", show_default=False)]


class Drawing(str, Enum):
    """What ``draw`` can write."""

    mermaid = "mermaid"
    svg = "svg"


def check(
    graph: GraphFile,
    json: options.JsonDocument = False,
) -> None:
    """Say what a graph needs and this machine lacks: packages, weights, devices. Loads nothing heavy.

    Exit code 1 if anything is missing.
    """
    from sampipe.graph.check import check_file

    report = check_file(graph)
    if json:
        problems = [
            {"node": problem.node, "kind": problem.kind, "message": problem.message, "fix": problem.fix}
            for problem in report.problems
        ]
        _screen.print_json({"graph": str(graph), "ok": report.ok, "problems": problems})
    elif report.problems:
        print(report)
    else:
        print(f"{graph}: ready to run")
    if not report.ok:
        raise typer.Exit(1)


def draw(
    graph: GraphFile,
    format: Annotated[
        Drawing | None,
        typer.Option(help="mermaid, text for Markdown, or svg; by default what --out ends in, or mermaid."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A file to write, instead of printing.")] = None,
) -> None:
    """Draw a graph."""
    from sampipe._files import write_atomic
    from sampipe.graph import Graph

    loaded = Graph.from_yaml(graph)
    if format is None:
        format = Drawing.svg if out is not None and out.suffix.lower() == ".svg" else Drawing.mermaid
    text = loaded.svg() if format is Drawing.svg else loaded.mermaid()
    if out is None:
        print(text)
    else:
        write_atomic(out, text.encode())
        print(f"wrote {out}")
