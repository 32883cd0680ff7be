"""``sampipe run``: a graph file over images, as a job that can be stopped anywhere and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli import _options as options
from sampipe.cli import _saving, _screen
from sampipe.cli.graphs import GraphFile

if TYPE_CHECKING:
    from sampipe.graph import Graph
    from sampipe.jobs import JobEngine

_RAY: Any = {"rich_help_panel": "On a Ray cluster", "show_default": False}

Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMAGE...",
        help="Files, folders, globs, sample:NAME, URLs, - (stdin), or a manifest: a .parquet file with a column path.",
        show_default=False,
    ),
]
Save = Annotated[
    str | None,
    typer.Option(
        help="What to save beside the rows, comma-separated: overlay, any format of `sampipe data formats`, or none. "
        f"By default {_saving.DEFAULT}, and nothing if the graph saves by itself.",
        show_default=False,
    ),
]
Address = Annotated[
    str | None,
    typer.Option(help="Of a Ray cluster: auto, HOST:PORT, ray://HOST:PORT. By default one is begun here.", **_RAY),
]
Actors = Annotated[
    str | None, typer.Option(metavar="N|LEAST:MOST", help="Processes that hold the graph. By default 1.", **_RAY)
]
ActorCpus = Annotated[float | None, typer.Option(help="CPUs of each. By default 1.", **_RAY)]
ActorGpus = Annotated[float | None, typer.Option(help="GPUs of each; 0.5 if two share one. By default 0.", **_RAY)]
ActorThreads = Annotated[
    int | None, typer.Option(help="Threads of each actor. By default as many as it has CPUs.", **_RAY)
]
Restarts = Annotated[
    int | None, typer.Option(help="How often an actor may die and begin again. By default 16.", **_RAY)
]


def run(
    graph: GraphFile,
    images: Images = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The job's folder, with all it writes.")] = Path("out"),
    save: Save = None,
    place: options.Place = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the job in DIR: only what is not done.")] = False,
    recursive: options.Recursive = False,
    precision: options.Precision = "exact",
    batch_size: options.BatchSize = 1,
    readers: Annotated[int, typer.Option(min=1, help="Threads that read and decode images.")] = 2,
    json: options.JsonEvents = False,
    engine: Annotated[str, typer.Option(metavar="NAME", help="Who does the work: local, or ray.")] = "local",
    address: Address = None,
    actors: Actors = None,
    actor_cpus: ActorCpus = None,
    actor_gpus: ActorGpus = None,
    threads: ActorThreads = None,
    restarts: Restarts = None,
) -> None:
    """Run a graph over images, which go into its input named image.

    The job's folder gets one row for each image in DIR/rows/*.parquet (masks as
    RLE, or the error), and what --save asks for. An image that cannot be done
    does not stop the others; the exit code is then 1. A job that was stopped,
    by Ctrl-C or a power cut, resumes with --resume: nothing is lost or twice.
    """
    from sampipe.cli._job import Request, run_job
    from sampipe.cli._precision import in_precision
    from sampipe.cli._reports import Events, Summary
    from sampipe.graph import Graph

    wanted = {
        "address": address,
        "actors": actors,
        "cpus": actor_cpus,
        "gpus": actor_gpus,
        "threads": threads,
        "restarts": restarts,
    }
    if not images and not resume:
        raise typer.BadParameter("which images? Give files, folders, globs, sample:NAME or a manifest.parquet")
    loaded = in_precision(Graph.from_yaml(graph), precision)
    _check_inputs(loaded, graph)
    request = Request(
        graph=loaded,
        words=images or [],
        folder=out,
        kinds=_kinds(loaded, graph, save),
        resume=resume,
        recursive=recursive,
        place=place,
        batch_size=batch_size,
        readers=readers,
        engine=_engine(engine, {name: value for name, value in wanted.items() if value is not None}),
    )
    run_job(request, Events() if json else Summary())


def _engine(name: str, options: dict[str, Any]) -> JobEngine | None:
    from sampipe.errors import SpecError
    from sampipe.graph.engines import load_engine
    from sampipe.jobs import JobEngine

    if name == "local":
        if options:
            raise typer.BadParameter(f"{', '.join(options)}: for a cluster; say --engine ray")
        return None
    engine = load_engine(name)
    if not isinstance(engine, JobEngine):
        raise SpecError(f"The engine {name!r} runs graphs, but no jobs. Wanted: local, ray.")
    return engine.with_options(**options)


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
    if graph.side_effect_nodes:  # for all we know, they save what the user wants
        _screen.note(
            f"{file} saves by itself ({', '.join(graph.side_effect_nodes)}); only the rows are written beside that"
        )
        return ()
    return _saving.parse_kinds(_saving.DEFAULT)
