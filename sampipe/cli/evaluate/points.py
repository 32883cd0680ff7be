"""``sampipe eval points``: masks from clicks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate import _options
from sampipe.cli.evaluate._contest import print_rest
from sampipe.cli.evaluate._inputs import model_and_data
from sampipe.cli.evaluate._tables import counted, entrants, interval, number, print_by_data, summaries, write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation

_FIRST = ("first click by", "where", "mean IoU", "95 % interval", "best of its masks", "95 % interval")
_LATER = {
    "mean_iou_after_1": "1 click",
    "mean_iou_after_2": "2",
    "mean_iou_after_3": "3",
    "mean_iou_after_5": "5",
    "mean_iou_after_9": "9",
    "noc85": "NoC@85",
    "noc90": "NoC@90",
}
_SECONDS = {
    "seconds_per_image": "s per image",
    "seconds_per_object": "s per object",
    "seconds_with_10_objects": "s for 10 objects",
    "seconds_per_correction": "s per correction",
}


def points(
    data: _options.DataOrList = None,
    model: _options.Model = "nano",
    limit: _options.Limit = None,
    min_area: _options.MinArea = 1024,
    seed: _options.Seed = 0,
    competitors: Annotated[
        str,
        typer.Option(help="Who else gets the clicks, comma-separated: wand, grabcut (needs OpenCV), onnx:FILE."),
    ] = "wand",
    max_clicks: Annotated[int, typer.Option(min=9, help="The largest number of clicks (NoC).")] = 20,
    device: _options.Device = "auto",
    out: _options.Out = None,
    shard: _options.ShardText = "1/1",
    json: _options.JsonFile = None,
    plot: _options.PlotFile = None,
    smoke: _options.Smoke = False,
) -> None:
    """Masks from clicks: one in the middle or anywhere, then corrections; mean IoU and number of clicks (NoC)."""
    from sampipe.eval.plots import check_plot, plot_points
    from sampipe.eval.points import evaluate_points
    from sampipe.eval.results import Shard

    rivals = _options.names(competitors)
    check_plot(plot)
    with model_and_data(model, data, smoke) as (name, folder), _screen.progress_bar("measuring") as advance:
        evaluation = evaluate_points(
            name,
            folder,
            device=device,
            limit=limit,
            min_area=min_area,
            seed=seed,
            competitors=rivals,
            max_clicks=max_clicks,
            out=out,
            shard=Shard.parse(shard),
            progress=advance,
        )
    _print(evaluation, rivals)
    write_files(evaluation, json, plot, lambda file: plot_points(evaluation, rivals, file))


def _print(evaluation: Evaluation, rivals: list[str]) -> None:
    first, later, seconds = [], [], []
    for data, summary in summaries(evaluation):
        for name, start in entrants(evaluation, rivals):
            for where, kind in (("middle", ""), ("anywhere", "random_")):
                keys = f"{start}{kind}mean_iou", f"{start}{kind}oracle_mean_iou"
                cells = [text for key in keys for text in (number(summary[key]), interval(summary[f"{key}_interval"]))]
                first.append((data, (name, where, *cells)))
            later.append((data, (name, *(_with_interval(summary, f"{start}{key}") for key in _LATER))))
            seconds.append((data, (name, *(number(summary[f"{start}{key}"]) for key in _SECONDS))))
    print_by_data(first, columns=_FIRST, title=counted(evaluation), words=2)
    print_by_data(later, columns=("mean IoU after", *_LATER.values()), title=None)
    print_by_data(seconds, columns=("first clicks by", *_SECONDS.values()), title=None)
    print_rest(evaluation, rivals, gain="IoU after one click")


def _with_interval(summary: Mapping[str, Any], key: str) -> str:
    fine, coarse = (".2f", ".1f") if "noc" in key else (".3f", ".2f")
    low, high = (format(value, coarse) for value in summary[f"{key}_interval"])
    return f"{number(summary[key], fine)}\n{low}-{high}"
