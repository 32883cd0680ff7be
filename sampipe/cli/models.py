"""``sampipe models``: which models there are, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _options as options
from sampipe.cli import _screen

if TYPE_CHECKING:
    from sampipe.models.hub import ModelRow

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
    from sampipe.models.hub import models_table

    rows = models_table()
    if json:
        _screen.print_json([_facts(row) for row in rows])
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
    columns = ("model", "parameters", "licence", "file", "sha256", "digest")
    _screen.print_table(cells, columns=columns, right=("parameters",))


@app.command()
def download(name: Name) -> None:
    """Bring a model's file to this machine; goes on where an earlier try stopped."""
    from sampipe.models import hub

    print(hub.download(name))


@app.command()
def verify(name: Name) -> None:
    """Compare an installed file with its digest."""
    from sampipe.models import hub

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
