"""``sampipe eval dataset``: what a data set of masks is like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate import _options
from sampipe.cli.evaluate._inputs import model_and_data
from sampipe.cli.evaluate._tables import write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation

_MOST_PLACES = 20


def dataset(
    data: Annotated[Path | None, typer.Option(help="The data set's folder.", show_default=False)] = None,
    kind: Annotated[
        str, typer.Option(help="coco, lvis, sa1b, bsds, davis, voc, yolo; auto tells by the files.")
    ] = "auto",
    places: Annotated[
        Path | None, typer.Option(help="CSV file with the columns image and any of country, region, income.")
    ] = None,
    limit: _options.Limit = None,
    min_area: _options.MinArea = 0,
    seed: _options.Seed = 0,
    out: _options.Out = None,
    shard: _options.ShardText = "1/1",
    json: _options.JsonFile = None,
    plot: _options.PlotFile = None,
    html: Annotated[Path | None, typer.Option(help="Write picture and tables as a page, too.")] = None,
    smoke: _options.Smoke = False,
) -> None:
    """Masks per image, relative size, concavity, centres; with --places also by country, region and income."""
    from sampipe.eval.dataset import evaluate_dataset
    from sampipe.eval.dataset_plot import plot_dataset, write_page
    from sampipe.eval.plots import check_plot
    from sampipe.eval.results import Shard

    check_plot(plot if html is None else plot or html.with_suffix(".png"))
    with _folder(data, smoke) as folder, _screen.progress_bar("reading") as advance:
        evaluation = evaluate_dataset(
            folder,
            kind=kind,
            places=places,
            min_area=min_area,
            limit=limit,
            seed=seed,
            out=out,
            shard=Shard.parse(shard),
            progress=advance,
        )
    _print(evaluation)
    write_files(evaluation, json, plot, lambda file: plot_dataset(evaluation, file))
    if html is not None:
        write_page(evaluation, html)
        _screen.note(f"wrote {html}")


@contextmanager
def _folder(data: Path | None, smoke: bool) -> Iterator[Path]:
    with model_and_data("", data, smoke) as (_, folder):
        yield folder


def _print(evaluation: Evaluation) -> None:
    from sampipe.eval.dataset_plot import figures, place_rows

    summary = evaluation.summary
    title = f"{evaluation.data} ({summary['kind']})"
    _screen.print_table(figures(summary), columns=("figure", "value"), title=title, right=("value",))
    bins = [(name, f"{share:.1%}") for name, share in summary["masks_per_image_bins"].items()]
    print()
    _screen.print_table(bins, columns=("masks per image", "images"), right=("images",))
    for column, rows in summary.get("places", {}).items():
        print()
        heads = (column, "images", "share", "masks", "masks per image")
        first = f"the {_MOST_PLACES} of {len(rows)} with most images" if len(rows) > _MOST_PLACES else None
        _screen.print_table(place_rows(column, rows[:_MOST_PLACES]), columns=heads, title=first, right=heads[1:])
