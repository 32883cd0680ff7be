"""``sampipe train detect``: a detector's head on nano's backbone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli.train import _options as options
from sampipe.cli.train._run import run_task, say_what_was_read

if TYPE_CHECKING:
    import torch

    from sampipe.train.config import LoopConfig
    from sampipe.train.task import Task


Data = Annotated[
    list[str],
    typer.Option(
        metavar="DIR[=SHARE]",
        rich_help_panel=options.DATA,
        help="A data set's folder; the first one's categories are the classes. May be given again.",
    ),
]
Teacher = Annotated[
    Path,
    typer.Option(
        metavar="FILE", rich_help_panel=options.TAUGHT, help="YOLOX as ONNX, of the same classes: soft labels."
    ),
]
Start = Annotated[
    str,
    typer.Option("--from", metavar="MODEL", rich_help_panel=options.START, help="The model; its masks stay."),
]
Head = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=options.START, help="A model whose head to start from."),
]
Views = Annotated[int, typer.Option(min=1, rich_help_panel=options.DATA, help="Of the images; each is encoded once.")]
BatchSize = Annotated[
    int | None, typer.Option(min=1, show_default="16", rich_help_panel=options.OPTIMIZER, help="Views a step.")
]
LearningRate = Annotated[
    float | None, typer.Option(show_default="0.002", rich_help_panel=options.OPTIMIZER, help="At its peak.")
]


def detect(
    context: typer.Context,
    data: Data,
    teacher: Teacher,
    start: Start = "nano",
    head: Head = None,
    views: Views = 4000,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    out: options.Out = Path("run"),
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    device: options.Device = "cpu",
    workers: options.Workers = 0,
    bf16: options.Bf16 = None,
    seed: options.Seed = 0,
    save_minutes: options.SaveMinutes = 5.0,
    log_every: options.LogEvery = 20,
) -> None:
    """Train a detector's head: boxes and classes from the backbone that masks use already.

    Annotated boxes of known classes say what is there; a teacher says it of everything. The views are encoded once and
    kept in the run's folder.
    """
    from sampipe.data.annotations import class_names
    from sampipe.models.model import SamModel
    from sampipe.train.detect_examples import build_views, load_views, save_views
    from sampipe.train.sources import open_source
    from sampipe.train.starts import copied_network
    from sampipe.train.tasks.detect import DETECT_LOOP, detect_task, take_detector, with_detector
    from sampipe.train.teacher import YoloxTeacher

    folders = [options.folder_with_share(text) for text in data]
    names = class_names(folders[0][0])

    def make(place: torch.device, loop: LoopConfig) -> Task:
        network, began = copied_network(start, device=place)
        network = with_detector(network, names, seed=seed)
        if head is not None:
            take_detector(network, head)
        reader, kept, key = YoloxTeacher(teacher), out / "views.pt", SamModel(network, name=start).heads_key
        examples = load_views(kept, backbone=key)
        if examples is None:
            sources = [(open_source(folder), share) for folder, share in folders]
            say_what_was_read([source.describe() for source, _ in sources])
            examples = build_views(network, reader, names, sources, count=views, seed=seed, log=print)
            out.mkdir(parents=True, exist_ok=True)
            save_views(examples, kept, backbone=key)
        inputs = {"data": data, "start": began, "teacher": str(teacher)}
        return detect_task(network, examples, size=reader.size, seed=seed, inputs=inputs)

    run_task(make, DETECT_LOOP, context.params)
