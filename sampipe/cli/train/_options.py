"""What the commands of ``sampipe train`` share: how a run is carried out and watched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.errors import DataError

if TYPE_CHECKING:
    from sampipe.train.config import RunOptions
    from sampipe.train.trainer import Validate

DATA, START, TAUGHT, EXAMPLES, OPTIMIZER, RUN, WATCH = (
    "Data",
    "Start",
    "What is taught",
    "Examples",
    "Optimizer",
    "Run",
    "Watching",
)

ImageCache = Annotated[
    int, typer.Option(min=0, metavar="MB", rich_help_panel=DATA, help="Decoded images that each worker keeps.")
]
Out = Annotated[
    Path,
    typer.Option(
        metavar="DIR", rich_help_panel=RUN, help="The run's folder; one that holds this run resumes where it stopped."
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(min=1, show_default=False, rich_help_panel=RUN, help="Stop after so many steps. [the recipe's]"),
]
Minutes = Annotated[
    float | None,
    typer.Option(rich_help_panel=RUN, help="Stop after so long; the learning rate then follows the clock."),
]
Device = Annotated[
    str,
    typer.Option(rich_help_panel=RUN, help="auto, cpu, cuda, cuda:1 or mps; under torchrun each process has its GPU."),
]
Workers = Annotated[int, typer.Option(min=0, rich_help_panel=RUN, help="Processes that make examples.")]
Bf16 = Annotated[
    bool | None,
    typer.Option("--bf16/--no-bf16", rich_help_panel=RUN, help="Compute in bfloat16.", show_default="on a GPU"),
]
Compile = Annotated[
    str | None,
    typer.Option(metavar="BACKEND", rich_help_panel=RUN, help="torch.compile the encoder: inductor."),
]
Seed = Annotated[int, typer.Option(min=0, rich_help_panel=RUN, help="Of data, prompts and first weights.")]
SaveMinutes = Annotated[float, typer.Option(min=0, rich_help_panel=RUN, help="Between checkpoints.")]
Val = Annotated[
    Path | None,
    typer.Option(metavar="DIR", rich_help_panel=WATCH, help="A held-out COCO folder: mean IoU from its boxes."),
]
ValEvery = Annotated[int, typer.Option(min=1, rich_help_panel=WATCH, help="Steps between two measurements.")]
ValLimit = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=WATCH, help="Measure at most so many of its images.")
]
LogEvery = Annotated[int, typer.Option(min=1, rich_help_panel=WATCH, help="Steps between two lines of the log.")]
Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", rich_help_panel=WATCH, help="TensorBoard's files, too, in DIR/tensorboard.")
]


def of_run(given: Mapping[str, Any]) -> RunOptions:
    """How the run is carried out, by the values of the options above."""
    from sampipe.train.config import DEFAULT_OPTIONS, RunOptions

    names = ("device", "workers", "compile", "save_minutes", "log_every", "tensorboard")
    options = {name: given[name] for name in names if name in given}
    return RunOptions(validate_every=given.get("val_every", DEFAULT_OPTIONS.validate_every), **options)


def folder_with_share(text: str) -> tuple[str, float]:
    """``DIR`` or ``DIR=share``; a folder whose name holds an equals sign is that folder.

    Raises:
        DataError: what follows the equals sign is not a number.
    """
    path, separator, share = text.rpartition("=")
    if not separator or Path(text).is_dir():
        return text, 1.0
    try:
        return path, float(share)
    except ValueError:
        raise DataError(f"--data {text}: got {share!r} as the share, wanted a number, as in {path}=0.5") from None


def validation(folder: Path | None, limit: int | None, device: str) -> Validate | None:
    """What measures a model file on ``folder`` as ``sampipe eval boxes`` does.

    A folder that will not do is an error before the training.
    """
    if folder is None:
        return None
    from sampipe.data.formats import read_images
    from sampipe.measure.quality.boxes import Boxes
    from sampipe.measure.quality.task import Request, evaluate

    read_images(folder, limit=1)

    def validate(model: Path) -> Mapping[str, float]:
        asked = Request(model=str(model), data=folder, device=device, limit=limit, min_area=0, competitors=())
        found = evaluate(Boxes(), asked)
        return {"mean_iou": found.summary["mean_iou"]}

    return validate
