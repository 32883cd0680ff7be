"""``sampipe eval``: commands that measure, one for each task.

A command is a function whose parameters are the task's own options; those that all tasks share, the measurement and
what is printed come from :mod:`~sampipe.cli.evaluate._command`, which reads the annotations of parameters: in this
module they are no strings.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli.evaluate._command import names, task_command

if TYPE_CHECKING:
    from sampipe.measure.quality.task import Task

app = typer.Typer(no_args_is_help=True, help="Measure a model on data with ground truth.")
_BOXES = "What else answers boxes: ellipse, grabcut (needs OpenCV), other models; comma-separated, or none."
_CLICKS = "What else answers clicks: wand, grabcut (needs OpenCV), onnx:FILE, other models; comma-separated, or none."

AnnotationFile = Annotated[
    Path | None,
    typer.Option(help="Another annotation file than the folder's own: COCO or LVIS, .json or .json.gz."),
]


@app.callback()
def evaluate() -> None:
    """Measure a model on data with ground truth."""


@task_command(app, competitors=_BOXES)
def boxes() -> "Task[Any, Any]":
    """Masks from ground-truth boxes: IoU and boundary IoU with the true masks, and time, beside competitors.

    --data may also be a YAML list of folders.
    """
    from sampipe.measure.quality.boxes import Boxes

    return Boxes()


@task_command(app, competitors=_CLICKS)
def points(
    max_clicks: Annotated[int, typer.Option(min=9, help="The largest number of clicks (NoC).")] = 20,
) -> "Task[Any, Any]":
    """Masks from clicks: one in the middle or anywhere, then corrections; mean IoU and number of clicks (NoC).

    --data may also be a YAML list of folders.
    """
    from sampipe.measure.quality.points import Points

    return Points(max_clicks=max_clicks)


@task_command(app, competitors="Other models, comma-separated; or none.")
def proposals(
    annotations: AnnotationFile = None,
    grid: Annotated[int, typer.Option(min=1, max=1024, help="Points along each side of the image.")] = 64,
    nms: Annotated[float, typer.Option(min=0, max=1, help="IoU of boxes above which masks are duplicates.")] = 0.9,
    min_iou: Annotated[float | None, typer.Option(help="Lowest predicted IoU; the model's own if not given.")] = None,
    stability: Annotated[float | None, typer.Option(help="Lowest stability; the model's own if not given.")] = None,
) -> "Task[Any, Any]":
    """Object proposals: average recall of the automatic masks at 1, 10, 100 and 1000, by size and frequency."""
    from sampipe.measure.quality.proposals import Proposals

    return Proposals(points_per_side=grid, box_nms=nms, min_iou=min_iou, stability=stability, annotations=annotations)


@task_command(app, competitors=_BOXES)
def instances(
    detections: Annotated[Path | None, typer.Option(metavar="FILE", help="Boxes as COCO results JSON.")] = None,
    detector: Annotated[
        str | None, typer.Option(metavar="ID", help="What finds the boxes: yolox_nano, onnx:FILE, …")
    ] = None,
    confidence: Annotated[
        float, typer.Option(min=0, max=1, help="The lowest confidence of a --detector that counts.")
    ] = 0.01,
    annotations: AnnotationFile = None,
) -> "Task[Any, Any]":
    """Instance segmentation: a detector's boxes through a model; AP of the masks beside AP of the boxes."""
    from sampipe.measure.quality.instances import Instances

    if detector is None:
        return Instances(detections=detections, annotations=annotations)
    if detections is not None:
        raise typer.BadParameter("give --detections FILE or --detector ID, not both")
    from sampipe.graph.registry import detector as find_detector

    return Instances(detections=find_detector(detector, confidence=confidence), annotations=annotations)


@task_command(
    app,
    data="BSDS500's folder, which holds images/ and groundTruth/.",
    model="A model, a checkpoint, sobel, canny, or a folder of edge maps NAME.png, whoever made them.",
    competitors="What else finds edges: sobel, canny; comma-separated, or none.",
)
def edges(
    split: Annotated[str, typer.Option(help="train, val or test.")] = "val",
    points_per_side: Annotated[int, typer.Option(min=1, help="Of the grid of points that masks are asked from.")] = 16,
) -> "Task[Any, Any]":
    """Edges of images where masks end, compared with what people drew: ODS, OIS, AP, R50.

    DIR/edges/ of --out then holds the edges as PNG files, one folder for each method.
    """
    from sampipe.measure.quality.edges import Edges

    return Edges(split=split, points_per_side=points_per_side)


@task_command(
    app,
    data="A folder with masks, or 'scenes': drawn things with sentences about them.",
    competitors="Answers that do not read: largest (proposal), whole (image); comma-separated, or none.",
)
def text(
    text_mode: Annotated[
        str | None, typer.Option(metavar="MODE", help="token, dense or rank; without it, the best there is.")
    ] = None,
    clip: Annotated[
        str | None, typer.Option(help="What reads the words: words (in the package), ViT-B-32/openai, local-dir:DIR …")
    ] = None,
    proposals: Annotated[
        int, typer.Option(min=1, help="Points along a side of the grid that the largest proposal comes from.")
    ] = 8,
) -> "Task[Any, Any]":
    """Masks from words: each class that is on an image, asked for by its name, beside two answers that do not read.

    A class counts on an image when its masks together have --min-area.
    """
    from sampipe.measure.quality.text import Text

    return Text(mode=text_mode, clip=clip, proposals=proposals)


@task_command(
    app,
    data="The data set's folder.",
    without=("model", "device"),
    competitors="No model takes part: none.",
)
def dataset(
    kind: Annotated[
        str, typer.Option(help="The format; `sampipe data formats` lists them; auto tells by the files.")
    ] = "auto",
    places: Annotated[
        Path | None, typer.Option(help="CSV file with the columns image and any of country, region, income.")
    ] = None,
) -> "Task[Any, Any]":
    """Masks per image, relative size, concavity, centres; with --places also by country, region and income."""
    from sampipe.measure.quality.dataset import Dataset

    return Dataset(kind=kind, places=places)


@task_command(
    app,
    data="A folder with masks, with --attributes; else a folder in MIAP's layout.",
    competitors=_CLICKS,
)
def fairness(
    attributes: Annotated[
        Path | None, typer.Option(help="CSV file: annotation (its id), and a column for each attribute.")
    ] = None,
    columns: Annotated[str, typer.Option(help="Which attributes make groups, comma-separated; all by default.")] = "",
) -> "Task[Any, Any]":
    """Mean IoU of people after 1 and 3 clicks, by perceived attributes, and whether intervals overlap."""
    from sampipe.measure.quality.fairness import Fairness

    return Fairness(attributes=attributes, columns=names(columns))
