"""``sampipe eval fairness``: masks of people, group by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate import _options
from sampipe.cli.evaluate._inputs import model_and_data
from sampipe.cli.evaluate._tables import interval, number, versions_line, write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation

_COLUMNS = ("group", "people", "images", "1 point", "95 % interval", "3 points", "95 % interval ")


def fairness(
    data: Annotated[
        Path | None,
        typer.Option(help="A COCO folder, with --attributes; else a folder in MIAP's layout.", show_default=False),
    ] = None,
    attributes: Annotated[
        Path | None, typer.Option(help="CSV file: annotation (its id), and a column for each attribute.")
    ] = None,
    model: _options.Model = "nano",
    columns: Annotated[str, typer.Option(help="Which attributes make groups, comma-separated; all by default.")] = "",
    limit: _options.Limit = None,
    min_area: _options.MinArea = 0,
    seed: _options.Seed = 0,
    device: _options.Device = "auto",
    out: _options.Out = None,
    shard: _options.ShardText = "1/1",
    json: _options.JsonFile = None,
    plot: _options.PlotFile = None,
    smoke: _options.Smoke = False,
) -> None:
    """Mean IoU of people after 1 and 3 clicks, by perceived attributes, and whether intervals overlap."""
    from sampipe.eval.fairness import evaluate_fairness
    from sampipe.eval.fairness_plot import plot_fairness
    from sampipe.eval.plots import check_plot
    from sampipe.eval.results import Shard

    check_plot(plot)
    with (
        _inputs(model, data, attributes, smoke) as (name, folder, table),
        _screen.progress_bar("measuring") as advance,
    ):
        evaluation = evaluate_fairness(
            name,
            folder,
            attributes=table,
            columns=_options.names(columns),
            device=device,
            limit=limit,
            min_area=min_area,
            seed=seed,
            out=out,
            shard=Shard.parse(shard),
            progress=advance,
        )
    _print(evaluation)
    write_files(evaluation, json, plot, lambda file: plot_fairness(evaluation, file))


@contextmanager
def _inputs(
    model: str, data: Path | None, attributes: Path | None, smoke: bool
) -> Iterator[tuple[str, Path, Path | None]]:
    with model_and_data(model, data, smoke) as (name, folder):
        if smoke:
            attributes = folder / "attributes.csv"
            rows = [f"{key},{'left' if key % 2 else 'right'}" for key in range(1, 7)]
            attributes.write_text("\n".join(("annotation,side", *rows)), encoding="utf-8")
        yield name, folder, attributes


def _print(evaluation: Evaluation) -> None:
    for column, found in evaluation.summary["groups"].items():
        rows = [_cells(name, group) for name, group in found["groups"].items()]
        _screen.print_table(rows, columns=_COLUMNS, title=column, right=_COLUMNS[1:])
        for points, pairs in found["apart"].items():
            clicks = f"{points} point{'' if points == '1' else 's'}"
            apart = "; ".join(" and ".join(pair) for pair in pairs)
            print(f"{clicks}: " + (f"intervals do not overlap: {apart}" if pairs else "all intervals overlap"))
        print()
    print(f"{evaluation.n} people in {evaluation.summary['images']} images")
    print(versions_line(evaluation))


def _cells(name: str, group: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        name,
        str(group["people"]),
        str(group["images"]),
        number(group["mean_iou_1"]),
        interval(group["mean_iou_1_interval"]),
        number(group["mean_iou_3"]),
        interval(group["mean_iou_3_interval"]),
    )
