"""``sampipe eval boxes``: masks from ground-truth boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate import _options
from sampipe.cli.evaluate._contest import print_rest
from sampipe.cli.evaluate._inputs import model_and_data
from sampipe.cli.evaluate._tables import counted, entrants, interval, number, print_by_data, summaries, write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation

_COLUMNS = ("masks by", "mean IoU", "95 % interval", "s per image", "s per object", "s for 10 objects")


def boxes(
    data: _options.DataOrList = None,
    model: _options.Model = "nano",
    limit: _options.Limit = None,
    min_area: _options.MinArea = 1024,
    seed: _options.Seed = 0,
    competitors: Annotated[
        str, typer.Option(help="Who else gets the boxes, comma-separated: ellipse, grabcut (needs OpenCV).")
    ] = "ellipse",
    device: _options.Device = "auto",
    out: _options.Out = None,
    shard: _options.ShardText = "1/1",
    json: _options.JsonFile = None,
    plot: _options.PlotFile = None,
    smoke: _options.Smoke = False,
) -> None:
    """Masks from ground-truth boxes: mean IoU with the true masks, and time, beside competitors."""
    from sampipe.eval.boxes import evaluate_boxes
    from sampipe.eval.plots import check_plot, plot_boxes
    from sampipe.eval.results import Shard

    rivals = _options.names(competitors)
    check_plot(plot)
    with model_and_data(model, data, smoke) as (name, folder), _screen.progress_bar("measuring") as advance:
        evaluation = evaluate_boxes(
            name,
            folder,
            device=device,
            limit=limit,
            min_area=min_area,
            seed=seed,
            competitors=rivals,
            out=out,
            shard=Shard.parse(shard),
            progress=advance,
        )
    _print(evaluation, rivals)
    write_files(evaluation, json, plot, lambda file: plot_boxes(evaluation, rivals, file))


def _print(evaluation: Evaluation, rivals: list[str]) -> None:
    rows = []
    for data, summary in summaries(evaluation):
        for name, start in entrants(evaluation, rivals):
            cells = (
                name,
                number(summary[f"{start}mean_iou"]),
                interval(summary[f"{start}mean_iou_interval"]),
                number(summary[f"{start}seconds_per_image"]),
                number(summary[f"{start}seconds_per_object"]),
                number(summary[f"{start}seconds_with_10_objects"]),
            )
            rows.append((data, cells))
    print_by_data(rows, columns=_COLUMNS, title=counted(evaluation))
    print_rest(evaluation, rivals, gain="IoU")
