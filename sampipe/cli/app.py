"""The ``sampipe`` command and its sub-commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sampipe._cores import prepare_threads
from sampipe.cli import (
    annotate,
    bench,
    data,
    demo,
    doctor,
    evaluate,
    export,
    graphs,
    models,
    new_node,
    nodes,
    run,
    segment,
    selftest,
    train,
    video,
)
from sampipe.cli._root import RootGroup

app = typer.Typer(
    cls=RootGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from sampipe import __version__

        print(f"sampipe {__version__}")
        raise typer.Exit


@app.callback()
def sampipe(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere on the line.")
    ] = False,
) -> None:
    """Whatever finds things becomes prompts; Segment Anything turns them into masks."""


app.command()(segment.segment)
app.command("try")(segment.try_it)
app.command()(run.run)
app.command()(video.video)
app.command()(annotate.annotate)
app.command()(graphs.check)
app.command()(graphs.draw)
app.command()(nodes.nodes)
app.command("new-node")(new_node.new_node)
app.add_typer(models.app, name="models")
app.command()(doctor.doctor)
app.command()(demo.demo)
app.command()(bench.bench)
app.command()(selftest.selftest)
app.add_typer(evaluate.app, name="eval")
app.add_typer(train.app, name="train")
app.add_typer(data.app, name="data")
app.add_typer(export.app, name="export")


def main() -> None:
    """Run the command line; the way in for the ``sampipe`` script."""
    prepare_threads()  # before any command loads torch
    app(prog_name="sampipe")
