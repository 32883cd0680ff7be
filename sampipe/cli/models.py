"""``sampipe models``: which models there are, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _options as options
from sampipe.cli import _screen

if TYPE_CHECKING:
    from sampipe.models.weights.hub import ModelRow

app = typer.Typer(invoke_without_command=True)

Name = Annotated[str, typer.Argument(help="A model's name, such as vit_b.", show_default=False)]


@app.callback()
def models(
    context: typer.Context,
    json: options.JsonDocument = False,
) -> None:
    """List the models, download one, or verify its file."""
    if context.invoked_subcommand is not None:
        return
    from sampipe.models.segmenters import others_table
    from sampipe.models.weights.hub import models_table

    rows, others = models_table(), others_table()
    if json:
        _screen.print_json([*map(_facts, rows), *(one._asdict() for one in others)])
        return
    cells = [
        (
            row.name,
            f"{row.parameters / 1e6:.1f} M" if row.parameters else "",
            row.licence,
            str(row.path) if row.path else "not here",
            f"{row.sha256[:8]}…" if row.sha256 else "",
            row.digest,
        )
        for row in rows
    ]
    cells += [(one.name, "", "", "here" if one.is_here else "not here", "", one.place) for one in others]
    columns = ("model", "parameters", "licence", "file", "sha256", "digest")
    _screen.print_table(cells, columns=columns, right=("parameters",))


@app.command()
def download(name: Name) -> None:
    """Bring a model's file to this machine; resumes where an earlier try stopped."""
    from sampipe.models.segmenters import is_own, load_segmenter
    from sampipe.models.weights import hub

    if is_own(name):
        print(hub.download(name))
        return
    print(f"{load_segmenter(name, 'cpu').name}: in its package's cache")


@app.command()
def verify(name: Name) -> None:
    """Compare an installed file with its digest."""
    from sampipe.models.weights import hub

    print(f"{name}: as it should be, sha256 {hub.verify(name)}")


def _facts(row: ModelRow) -> dict[str, str | int | None]:
    return {
        "name": row.name,
        "parameters": row.parameters,
        "licence": row.licence,
        "source": row.source,
        "digest": row.digest,
        "sha256": row.sha256,
        "path": str(row.path) if row.path else None,
    }
