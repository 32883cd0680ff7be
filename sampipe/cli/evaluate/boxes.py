"""``sampipe eval boxes``: masks from ground-truth boxes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen
from sampipe.cli.evaluate._options import Data, Device, JsonFile, Limit, MinArea, Model, Seed
from sampipe.cli.evaluate._tables import interval, versions_line, write_json

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation


def boxes(
    data: Data,
    model: Model = "nano",
    limit: Limit = None,
    min_area: MinArea = 1024,
    seed: Seed = 0,
    competitors: Annotated[
        str, typer.Option(help="What to compare with, comma-separated: ellipse, grabcut (needs OpenCV).")
    ] = "ellipse",
    device: Device = "auto",
    json: JsonFile = None,
) -> None:
    """Masks from ground-truth boxes: mean IoU with the true masks, beside an ellipse that fills the box."""
    from sampipe.eval.boxes import evaluate_boxes
    from sampipe.eval.competitors import competitors as by_name

    rivals = by_name([name.strip() for name in competitors.split(",") if name.strip()])
    with _screen.progress_bar("measuring") as advance:
        evaluation = evaluate_boxes(
            model,
            data,
            device=device,
            limit=limit,
            min_area=min_area,
            seed=seed,
            competitors=rivals,
            progress=advance,
        )
    _print(evaluation, list(rivals))
    write_json(evaluation, json)


def _print(evaluation: Evaluation, rivals: list[str]) -> None:
    summary = evaluation.summary
    rows = []
    model = Path(evaluation.model).name
    for name in (model, *rivals):
        prefix = f"{name}_" if name in rivals else ""
        rows.append(
            (
                name,
                f"{summary[f'{prefix}mean_iou']:.4f}",
                interval(summary[f"{prefix}mean_iou_interval"]),
                f"{summary[f'{prefix}seconds_per_image']:.4f}",
                f"{summary[f'{prefix}seconds_per_object']:.4f}",
            )
        )
    columns = ("masks by", "mean IoU", "95 % interval", "s per image", "s per object")
    title = f"{evaluation.n} objects of {summary['min_area']} px² or more in {summary['images']} images"
    _screen.print_table(rows, columns=columns, title=title, right=columns[1:])
    print()
    for name in rivals:
        gain = summary[f"gain_over_{name}"]
        print(f"{model} over {name}: {gain:+.4f} ({interval(summary[f'gain_over_{name}_interval'], signed=True)})")
    print(versions_line(evaluation))
