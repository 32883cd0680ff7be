"""What the commands of ``sampipe train`` do alike: the loop by the options, and the run itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampipe.cli import _screen
from sampipe.cli.train import _options as options

if TYPE_CHECKING:
    import torch

    from sampipe.train.config import LoopConfig
    from sampipe.train.task import Task

_OPTIMIZER = ("learning_rate", "weight_decay", "warmup", "schedule", "layer_decay", "drop_path", "ema")


def run_task(
    make: Callable[[torch.device, LoopConfig], Task], loop: LoopConfig, given: Mapping[str, Any]
) -> Path | None:
    """Train what ``make`` makes on this process's device; returns the model's file, in the main process.

    Args:
        make: device and loop to task.
        loop: where the options say nothing.
        given: the command's options.
    """
    from sampipe.train.trainer import Trainer
    from sampipe.train.world import World

    world = World.from_environment()
    place = world.device(given["device"])
    loop = changed_loop(loop, given, on_gpu=place.type == "cuda", processes=world.size)
    validate = options.validation(given.get("val"), given.get("val_limit"), str(place))
    with world.joined(place):
        task = make(place, loop)
        if world.main:
            say_what_was_read(task.inputs.get("data", ()))
        trainer = Trainer(task, loop, given["out"], options=options.of_run(given), validate=validate, world=world)
        path = trainer.run()
    if not world.main:
        return None
    print(f"wrote {path}")
    return path


def say_what_was_read(data: Sequence[Any]) -> None:
    """A line for what was read of each described data set, and one for each reason to leave something out."""
    for one in data:
        for line in one.get("read", ()) if isinstance(one, Mapping) else ():
            _screen.note(f"{one['folder']}: {line}")


def changed_loop(loop: LoopConfig, given: Mapping[str, Any], *, on_gpu: bool, processes: int = 1) -> LoopConfig:
    """``loop`` with what the options say; a smaller batch brings a smaller micro-batch."""
    optimizer = replace(loop.optimizer, **said(given, *_OPTIMIZER))
    if given.get("optimizer") is not None:
        optimizer = replace(optimizer, name=given["optimizer"])
    if given.get("clip_norm") is not None:
        optimizer = replace(optimizer, clip=given["clip_norm"] or None)
    batch = said(given, "batch_size", "micro_batch")
    if "batch_size" in batch and "micro_batch" not in batch:
        batch["micro_batch"] = max(1, min(batch["batch_size"] // processes, loop.micro_batch))
    bf16 = loop.bf16 or on_gpu if given.get("bf16") is None else given["bf16"]
    return replace(loop, optimizer=optimizer, seed=given["seed"], bf16=bf16, **batch, **said(given, "steps", "minutes"))


def said(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The options that were given."""
    return {name: given[name] for name in names if given.get(name) is not None}
