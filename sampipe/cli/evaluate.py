"""``sampipe eval``: commands that measure, one for each task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli import _screen

if TYPE_CHECKING:
    from sampipe.eval.report import Evaluation

app = typer.Typer(no_args_is_help=True, help="Measure a model on data with ground truth.")

Model = Annotated[str, typer.Option(help="A model's name or a checkpoint file; see `sampipe models`.")]
Data = Annotated[Path, typer.Option(help="A COCO folder: images/ and instances.json or instances.json.gz.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many pictures, drawn with --seed.")]
Seed = Annotated[int, typer.Option(help="Of every random draw.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file, too.")]


@app.callback()
def evaluate() -> None:
    """Measure a model on data with ground truth."""


@app.command()
def boxes(
    data: Data,
    model: Model = "nano",
    limit: Limit = None,
    min_area: Annotated[int, typer.Option(min=0, help="Smallest object, in square pixels of its mask.")] = 1024,
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
    _print_boxes(evaluation, list(rivals))
    if json is not None:
        evaluation.write(json)
        print(f"wrote {json}")


def _print_boxes(evaluation: Evaluation, rivals: list[str]) -> None:
    summary = evaluation.summary
    rows = []
    model = Path(evaluation.model).name
    for name in (model, *rivals):
        prefix = f"{name}_" if name in rivals else ""
        low, high = summary[f"{prefix}mean_iou_interval"]
        rows.append(
            (
                name,
                f"{summary[f'{prefix}mean_iou']:.4f}",
                f"{low:.4f} to {high:.4f}",
                f"{summary[f'{prefix}seconds_per_image']:.4f}",
                f"{summary[f'{prefix}seconds_per_object']:.4f}",
            )
        )
    columns = ("masks by", "mean IoU", "95 % interval", "s per image", "s per object")
    title = f"{evaluation.n} objects of {summary['min_area']} px² or more in {summary['images']} images"
    _screen.print_table(rows, columns=columns, title=title, right=columns[1:])
    print()
    for name in rivals:
        low, high = summary[f"gain_over_{name}_interval"]
        gain = summary[f"gain_over_{name}"]
        print(f"{model} over {name}: {gain:+.4f} ({low:+.4f} to {high:+.4f})")
    versions = evaluation.versions
    print(f"weights {versions['model_digest'][:16]}, torch {versions['torch']}, {versions['device']}")
