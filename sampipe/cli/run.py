"""``sampipe run``: a graph file over images, as a job that can be stopped anywhere and goes on."""

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
        list[str] | None,
        typer.Argument(
            metavar="IMAGE...",
            help="Files, folders, globs, sample:NAME, URLs, or a manifest: a .parquet file with a column path.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The job's folder, with all it writes.")] = Path("out"),
    save: Annotated[
        str | None,
        typer.Option(
            help=f"What to save beside the rows, comma-separated: {', '.join(_saving.KINDS)}, or none. "
            f"By default {_saving.DEFAULT}, and nothing if the graph saves by itself.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the job in DIR: only what is not done.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images that a node takes at once, where it can.")] = 1,
    readers: Annotated[int, typer.Option(min=1, help="Threads that read and decode images.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="Print events, a JSON document a line.")] = False,
) -> None:
    """Run a graph over images, which go into its input named image.

    The job's folder gets one row for each image in DIR/rows/*.parquet (masks as
    RLE, or the error), and what --save asks for. An image that cannot be done
    does not stop the others; the exit code is then 1. A job that was stopped,
    by Ctrl-C or a power cut, goes on with --resume: nothing is lost or twice.
    """
    from sampipe.cli._run_job import run_job
    from sampipe.graph import Graph

    if not images and not resume:
        raise typer.BadParameter("which images? Give files, folders, globs, sample:NAME or a manifest.parquet")
    loaded = Graph.from_yaml(graph)
    _check_inputs(loaded, graph)
    run_job(
        loaded,
        images or [],
        folder=out,
        kinds=_kinds(loaded, graph, save),
        resume=resume,
        batch_size=batch_size,
        readers=readers,
        json=json,
    )


def _check_inputs(graph: Graph, file: Path) -> None:
    from sampipe.errors import MissingInputError

    wanted = [name for name, port in graph.inputs.items() if port.required]
    if wanted != ["image"]:
        raise MissingInputError(
            f"{file}: its inputs are {', '.join(wanted) or 'none'}; `sampipe run` can give one, named image. "
            "Use Graph.from_yaml(...).run(...) for the others."
        )


def _kinds(graph: Graph, file: Path, save: str | None) -> tuple[str, ...]:
    if save == "none":
        return ()
    if save is not None:
        return _saving.parse_kinds(save)
    own = [name for name, node in graph.nodes.items() if not node.pure]
    if own:  # for all we know, they save what the user wants
        _screen.note(f"{file} saves by itself ({', '.join(own)}); only the rows are written beside that")
        return ()
    return _saving.parse_kinds(_saving.DEFAULT)
