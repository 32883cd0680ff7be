"""``sampipe eval edges``: zero-shot edges on BSDS500."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate import _options
from sampipe.cli.evaluate._inputs import model_and_data
from sampipe.cli.evaluate._tables import entrants, number, versions_line, write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation

_COLUMNS = ("edges by", "ODS", "OIS", "AP", "R50", "s per image")
_KEYS = ("ods", "ois", "ap", "r50", "seconds_per_image")


def edges(
    data: Annotated[
        Path | None,
        typer.Option(help="BSDS500's folder, which holds images/ and groundTruth/.", show_default=False),
    ] = None,
    model: Annotated[
        str,
        typer.Option(help="A model, a checkpoint, sobel, canny, or a folder of edge maps NAME.png, whoever made them."),
    ] = "nano",
    split: Annotated[str, typer.Option(help="train, val or test.")] = "val",
    limit: _options.Limit = None,
    seed: _options.Seed = 0,
    competitors: Annotated[
        str, typer.Option(help="Who else finds edges, comma-separated: sobel, canny; or none.")
    ] = "sobel,canny",
    points_per_side: Annotated[int, typer.Option(min=1, help="Of the grid of points that asks for masks.")] = 16,
    device: _options.Device = "auto",
    out: _options.Out = None,
    shard: _options.ShardText = "1/1",
    json: _options.JsonFile = None,
    plot: _options.PlotFile = None,
    smoke: _options.Smoke = False,
) -> None:
    """Edges of photos where masks end, compared with what people drew: ODS, OIS, AP, R50.

    DIR/edges/ then holds the edges as PNG files, one folder for each method.
    """
    from sampipe.eval.edges import evaluate_edges
    from sampipe.eval.edges_plot import plot_edges
    from sampipe.eval.plots import check_plot
    from sampipe.eval.results import Shard

    rivals = [name for name in _options.names(competitors) if name != "none"]
    check_plot(plot)
    with _inputs(model, data, smoke) as (name, folder), _screen.progress_bar("measuring") as advance:
        evaluation = evaluate_edges(
            name,
            folder,
            split=split,
            device=device,
            limit=limit,
            seed=seed,
            competitors=rivals,
            points_per_side=4 if smoke else points_per_side,
            out=out,
            shard=Shard.parse(shard),
            progress=advance,
        )
    _print(evaluation, rivals)
    write_files(evaluation, json, plot, lambda file: plot_edges(evaluation, rivals, file))


@contextmanager
def _inputs(model: str, data: Path | None, smoke: bool) -> Iterator[tuple[str, Path]]:
    with model_and_data(model, data, smoke) as (name, folder):
        if smoke:
            from sampipe.eval.edges_smoke import write_smoke_photos

            folder = write_smoke_photos(folder)
        yield name, folder


def _print(evaluation: Evaluation, rivals: list[str]) -> None:
    summary = evaluation.summary
    rows = [
        (name, *(number(summary[f"{start}{key}"]) for key in _KEYS)) for name, start in entrants(evaluation, rivals)
    ]
    title = f"{summary['images']} photos of BSDS500 {summary['split']}"
    _screen.print_table(rows, columns=_COLUMNS, title=title, right=_COLUMNS[1:])
    print()
    print(versions_line(evaluation))
