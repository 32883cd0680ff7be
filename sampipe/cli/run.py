"""``sampipe run``: a graph file over images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _saving, _screen
from sampipe.cli.graphs import GraphFile

if TYPE_CHECKING:
    from sampipe.graph import Graph


def run(
    graph: GraphFile,
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="Files, folders, globs or sample:NAME.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")] = Path("out"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Run a graph over images, which go into its input named image.

    Its masks are saved as DIR/<name>.overlay.png and DIR/annotations.json,
    unless the graph has save nodes of its own. An image that cannot be read is
    reported and the rest goes on; the exit code is then 1.
    """
    from sampipe.cli._job import run_job
    from sampipe.graph import Graph

    loaded = Graph.from_yaml(graph)
    _check_inputs(loaded, graph)
    own = _save_nodes(loaded)
    if own:
        _screen.note(f"{graph} saves by itself ({', '.join(own)}); nothing goes to {out}")
    kinds = () if own else _saving.parse_kinds(_saving.DEFAULT)
    run_job(_saving.with_saving(loaded, kinds, out), images, inputs={}, title=str(graph), json=json)


def _check_inputs(graph: Graph, file: Path) -> None:
    from sampipe.errors import MissingInputError

    wanted = [name for name, port in graph.inputs.items() if port.required]
    if wanted != ["image"]:
        raise MissingInputError(
            f"{file}: its inputs are {', '.join(wanted) or 'none'}; `sampipe run` can give one, named image. "
            "Use Graph.from_yaml(...).run(...) for the others."
        )


def _save_nodes(graph: Graph) -> list[str]:
    """The nodes that have an effect of their own; for all we know, they save what the user wants."""
    return [name for name, node in graph.nodes.items() if not node.pure]
