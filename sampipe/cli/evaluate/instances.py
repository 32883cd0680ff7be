"""``sampipe eval instances``: detected boxes through a model to COCO or LVIS AP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate import _options
from sampipe.cli.evaluate._inputs import model_and_data
from sampipe.cli.evaluate._tables import entrants, number, versions_line, write_files

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation
    from sampipe.graph import Node

_COLUMNS = {
    "ap": "AP",
    "ap50": "AP50",
    "ap75": "AP75",
    "ap_small": "small",
    "ap_medium": "medium",
    "ap_large": "large",
    "ap_rare": "rare",
    "ap_common": "common",
    "ap_frequent": "frequent",
}


def instances(
    data: _options.CocoData = None,
    model: _options.Model = "nano",
    detections: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Boxes as COCO results JSON.", show_default=False)
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(metavar="ID", help="What finds the boxes: yolox_nano, onnx:FILE, …", show_default=False),
    ] = None,
    confidence: Annotated[
        float, typer.Option(min=0, max=1, help="The lowest confidence of a --detector that counts.")
    ] = 0.01,
    annotations: _options.AnnotationFile = None,
    competitors: Annotated[
        str, typer.Option(help="Who else makes masks of the boxes, comma-separated: ellipse, grabcut (needs OpenCV).")
    ] = "ellipse",
    limit: _options.Limit = None,
    seed: _options.Seed = 0,
    device: _options.Device = "auto",
    out: _options.Out = None,
    shard: _options.ShardText = "1/1",
    json: _options.JsonFile = None,
    plot: _options.PlotFile = None,
    smoke: _options.Smoke = False,
) -> None:
    """Instance segmentation: a detector's boxes through a model; AP of the masks beside AP of the boxes."""
    from sampipe.eval.instances import evaluate_instances
    from sampipe.eval.plots import check_plot, plot_instances
    from sampipe.eval.results import Shard

    rivals = _options.names(competitors)
    check_plot(plot)
    with model_and_data(model, data, smoke) as (name, folder), _screen.progress_bar("measuring") as advance:
        evaluation = evaluate_instances(
            name,
            folder,
            folder / "detections.json" if smoke else _source(detections, detector, confidence),
            annotations=annotations,
            competitors=rivals,
            device=device,
            limit=limit,
            seed=seed,
            out=out,
            shard=Shard.parse(shard),
            progress=advance,
        )
    _print(evaluation, rivals)
    write_files(evaluation, json, plot, lambda file: plot_instances(evaluation, rivals, file))


def _source(detections: Path | None, detector: str | None, confidence: float) -> Path | Node:
    if (detections is None) == (detector is None):
        raise typer.BadParameter("give --detections FILE or --detector ID: where the boxes come from")
    if detections is not None:
        return detections
    from sampipe.graph.registry import detector as find_detector

    return find_detector(str(detector), confidence=confidence)


def _print(evaluation: Evaluation, rivals: list[str]) -> None:
    summary = evaluation.summary
    shown = {key: words for key, words in _COLUMNS.items() if key in summary}
    rows = [("boxes", *_cells(summary, "box_", shown), "")]
    for name, start in entrants(evaluation, rivals):
        rows.append(
            (f"masks by {name}", *_cells(summary, start, shown), number(summary[f"{start}share_of_ap_lost"], ".1%"))
        )
    columns = ("", *shown.values(), "AP lost")
    title = (
        f"{summary['images']} images, {summary['objects']} objects, "
        f"{summary['detections_per_image']:.1f} detections an image"
    )
    _screen.print_table(rows, columns=columns, title=title, right=columns[1:])
    print()
    if summary["detections_of_other_categories"]:
        print(f"{summary['detections_of_other_categories']} detections are of categories that the data lack")
    print(versions_line(evaluation))


def _cells(summary: dict[str, Any], start: str, shown: dict[str, str]) -> list[str]:
    return [number(summary[f"{start}{key}"]) for key in shown]
