"""``sampipe eval proposals``: average recall of the automatic masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate import _options
from sampipe.cli.evaluate._inputs import model_and_data
from sampipe.cli.evaluate._tables import interval, number, versions_line, write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation


def proposals(
    data: _options.CocoData = None,
    model: _options.Model = "nano",
    annotations: _options.AnnotationFile = None,
    grid: Annotated[int, typer.Option(min=1, max=1024, help="Points along each side of the image.")] = 64,
    nms: Annotated[float, typer.Option(min=0, max=1, help="IoU of boxes above which masks are duplicates.")] = 0.9,
    pred_iou: Annotated[
        float | None, typer.Option(help="Lowest predicted IoU; the model's own if not given.", show_default=False)
    ] = None,
    stability: Annotated[
        float | None, typer.Option(help="Lowest stability; the model's own if not given.", show_default=False)
    ] = None,
    limit: _options.Limit = None,
    seed: _options.Seed = 0,
    device: _options.Device = "auto",
    out: _options.Out = None,
    shard: _options.ShardText = "1/1",
    json: _options.JsonFile = None,
    plot: _options.PlotFile = None,
    smoke: _options.Smoke = False,
) -> None:
    """Object proposals: average recall of the automatic masks at 1, 10, 100 and 1000, by size and frequency."""
    from sampipe.eval.plots import check_plot, plot_proposals
    from sampipe.eval.proposals import evaluate_proposals
    from sampipe.eval.results import Shard

    check_plot(plot)
    with model_and_data(model, data, smoke) as (name, folder), _screen.progress_bar("measuring") as advance:
        evaluation = evaluate_proposals(
            name,
            folder,
            annotations=annotations,
            points_per_side=3 if smoke else grid,
            box_nms=nms,
            pred_iou=pred_iou,
            stability=stability,
            device=device,
            limit=limit,
            seed=seed,
            out=out,
            shard=Shard.parse(shard),
            progress=advance,
        )
    _print(evaluation)
    write_files(evaluation, json, plot, lambda file: plot_proposals(evaluation, file))


def _print(evaluation: Evaluation) -> None:
    from sampipe.eval.proposals import GROUPS, LIMITS

    summary = evaluation.summary
    rows = []
    for group in GROUPS:
        ending = "" if group == "all" else f"_{group}"
        if summary[f"objects_{group}"]:
            recalls = [number(summary[f"ar{most}{ending}"]) for most in LIMITS]
            last = interval(summary[f"ar{LIMITS[-1]}{ending}_interval"])
            rows.append((group, str(summary[f"objects_{group}"]), *recalls, last))
    columns = ("objects", "number", *(f"AR@{most}" for most in LIMITS), "95 % interval")
    side = summary["points_per_side"]
    title = (
        f"{summary['proposals_per_image']:.0f} masks an image from {side} x {side} points, "
        f"{summary['images']} images, {summary['seconds_per_image']:.1f} s each"
    )
    _screen.print_table(rows, columns=columns, title=title, right=columns[1:])
    print()
    print(versions_line(evaluation))
