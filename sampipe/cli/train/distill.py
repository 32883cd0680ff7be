"""``sampipe train distill``: a small encoder that gives a large one's embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sampipe.cli.train import _options as options
from sampipe.cli.train._options import DATA, OPTIMIZER, START
from sampipe.cli.train._run import run_task

if TYPE_CHECKING:
    import torch

    from sampipe.train.config import LoopConfig
    from sampipe.train.task import Task

Teacher = Annotated[
    str, typer.Option(metavar="MODEL", rich_help_panel=START, help="A model's name or file; its decoder is copied.")
]
Student = Annotated[
    str,
    typer.Option(
        metavar="SHAPE",
        rich_help_panel=START,
        help="nano, mobile_sam, vit_b …, made to fit the teacher; or a file.",
    ),
]
TeacherCache = Annotated[
    int, typer.Option(min=0, metavar="MB", rich_help_panel=DATA, help="The teacher's embeddings that are kept.")
]
BatchSize = Annotated[int, typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Images a step, over all processes.")]
MicroBatch = Annotated[
    int | None,
    typer.Option(min=1, rich_help_panel=OPTIMIZER, help="Images held at once.", show_default="the batch"),
]
LearningRate = Annotated[
    float | None, typer.Option(min=0, rich_help_panel=OPTIMIZER, help="After the warm-up.", show_default="0.001")
]


def distill(
    context: typer.Context,
    data: Annotated[
        Path, typer.Option(metavar="DIR", rich_help_panel=DATA, help="Images, in this folder and all below.")
    ],
    teacher: Teacher,
    student: Student = "nano",
    image_cache: options.ImageCache = 512,
    teacher_cache: TeacherCache = 2048,
    batch_size: BatchSize = 8,
    micro_batch: MicroBatch = None,
    learning_rate: LearningRate = None,
    out: options.Out = Path("run"),
    steps: options.Steps = None,
    minutes: options.Minutes = None,
    device: options.Device = "auto",
    workers: options.Workers = 1,
    bf16: options.Bf16 = None,
    compile: options.Compile = None,
    seed: options.Seed = 0,
    save_minutes: options.SaveMinutes = 5.0,
    val: options.Val = None,
    val_every: options.ValEvery = 1000,
    val_limit: options.ValLimit = None,
    log_every: options.LogEvery = 20,
    tensorboard: options.Tensorboard = False,
) -> None:
    """Teach a small encoder a large one's embeddings, as MobileSAM was made; the decoder is the teacher's.

    Images are enough, without masks. Then `sampipe train sam --from DIR/model.safetensors` continues
    with masks, if there are any.
    """
    from sampipe.train.starts import copied_network
    from sampipe.train.tasks.distill import DISTILLATION, distill_task, new_student

    def make(place: torch.device, loop: LoopConfig) -> Task:
        taught_by, known = copied_network(teacher, device=place)
        network, began = new_student(student, taught_by, seed=seed, device=place)
        return distill_task(
            network,
            taught_by,
            data,
            seed=loop.seed,
            start={"teacher": known, "student": began},
            image_bytes=image_cache * 1_000_000,
            feature_bytes=teacher_cache * 1_000_000,
        )

    run_task(make, DISTILLATION, context.params)
