"""The training loop, whatever is taught: examples in, a run folder out."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from sampipe.errors import DataError
from sampipe.train.config import DEFAULT_OPTIONS, LoopConfig, RunOptions
from sampipe.train.data import Failure, MicroBatches
from sampipe.train.interrupt import ignore_interrupt, stop_requests
from sampipe.train.layers import add_drop_path, parameter_groups
from sampipe.train.logs import Log
from sampipe.train.muon import Muon
from sampipe.train.run_folder import RunFolder, session
from sampipe.train.schedule import MovingAverage, rate_factor
from sampipe.train.task import MicroBatch, Task
from sampipe.train.world import ALONE, World

_STEPS = 3  # stream of random numbers, beside those of the examples
_PREFETCH = 4

Validate = Callable[[Path], Mapping[str, float]]
"""A model file to figures; ``mean_iou`` among them decides which file is the best."""


class Trainer:
    """Teaches a task into a run folder; resumes where the folder stopped.

    Each step's randomness follows from the seed and the step's number alone, and everything that a step depends on is
    saved, so a run that was killed and resumed has the losses of one that was not.

    Args:
        task: what is taught.
        config: what decides the result.
        folder: of the run. A ``state.pt`` in it is resumed.
        options: what does not decide the result.
        log: given a line of progress now and then, in the main process.
        validate: measures a model file.
        world: this process among others.

    Raises:
        CheckpointError: the folder holds a run of another configuration.
        DataError: there is no room for the checkpoints.
        MissingDependencyError: TensorBoard is wanted and not installed.
    """

    def __init__(
        self,
        task: Task,
        config: LoopConfig,
        folder: Path,
        *,
        options: RunOptions = DEFAULT_OPTIONS,
        log: Callable[[str], None] = print,
        validate: Validate | None = None,
        world: World = ALONE,
    ) -> None:
        self.task, self.config, self.options, self.world = task, config, options, world
        self._validate = validate
        self._print = log if world.main else _quiet
        self._device = next(task.network.parameters()).device
        if task.encoder is not None:
            add_drop_path(task.encoder, config.optimizer.drop_path)
        groups = parameter_groups(task.network, task.encoder, config.optimizer)
        self._trained = [parameter for group in groups for parameter in group["params"]]
        stepper = Muon if config.optimizer.name == "muon" else torch.optim.AdamW
        self._optimizer = stepper(groups, lr=config.optimizer.learning_rate, betas=(0.9, config.optimizer.beta2))
        self.average = MovingAverage(task.network, config.optimizer.ema)
        self.step, self.seconds, self.best = 0, 0.0, -math.inf
        self._parts = config.parts(world.size)
        self.folder = RunFolder(folder)
        self._open()

    def _open(self) -> None:
        task = self.task
        described = {
            "task": {"name": task.name, **task.settings},
            "model": task.shape,
            "loop": asdict(self.config),
        }
        configuration = json.loads(json.dumps(described))
        bytes_held = sum(value.nbytes for value in task.network.state_dict().values())
        moments = 2 * sum(parameter.nbytes for parameter in self._trained)
        self.folder.check(configuration, needs=3 * bytes_held + moments)
        self._resume()
        if self.world.main:
            self._log = Log(self.folder.path, after=self.step, tensorboard=self.options.tensorboard)
            here = session(device=self._device, processes=self.world.size, step=self.step)
            self.folder.describe(configuration, task.inputs, here)

    def run(self) -> Path:
        """Train until the steps or the time are used up, or a signal asks to stop; returns the model's file.

        Raises:
            DataError: an image cannot be read, no example can be made, the loss is no longer a number, or the disk is
                full.
        """
        gpu = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpu), stop_requests(self._print) as asked, self._logging():
            if self._agree(False)[0] >= 1:
                self._print(f"{self.folder.path} is finished, at step {self.step}; raise --steps or --minutes")
                return self.folder.model_file
            if self.step == 0:
                self._measure(self.save())
            model = self._wrapped()
            batches = self._batches()
            started, saved = time.monotonic() - self.seconds, self.seconds
            progress, stop = self._agree(asked())
            while progress < 1 and not stop:
                figures = self._step(model, batches, progress)
                self.step += 1
                self.seconds = time.monotonic() - started
                progress, stop = self._agree(asked())
                self._watch(figures, progress)
                if self.seconds - saved >= 60 * self.options.save_minutes and progress < 1:
                    self.save()
                    saved = self.seconds
            path = self.save()
            if progress >= 1:
                self._measure(path)
            return path

    def save(self) -> Path:
        """Write ``state.pt`` and ``model.safetensors``, in the main process; returns the latter."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "network": self.task.network.state_dict(),
            "average": self.average.state,
            "average_steps": self.average.steps,
            "optimizer": self._optimizer.state_dict(),
        }
        if not self.world.main:
            return self.folder.model_file
        notes = {"sampipe_training": f"{self.step} steps; see run.json of the run"}
        return self.folder.save(state, lambda path: self.task.save(self.average.state, path, notes))

    def _resume(self) -> None:
        state = self.folder.load_state(self._device)
        if state is None:
            return
        self.task.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.average.state, self.average.steps = state["average"], state["average_steps"]
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        self._print(f"resumes at step {self.step}, after {self.seconds / 60:.1f} minutes")

    def _agree(self, asked: bool) -> tuple[float, bool]:
        """How much of the run is done, 0..1, and whether to stop: the same in all processes."""
        by_time = 0.0 if self.config.minutes is None else self.seconds / (60 * self.config.minutes)
        here = max(self.step / self.config.steps, by_time), float(asked)
        progress, stop = self.world.largest(here, self._device)
        return progress, bool(stop)

    def _wrapped(self) -> nn.Module:
        objective = self.task.objective.train()
        if self.options.compile is not None and self.task.encoder is not None:
            self.task.encoder.compile(backend=self.options.compile)
        if self.world.size == 1:
            return objective
        return DistributedDataParallel(objective, find_unused_parameters=True)

    def _batches(self) -> Iterator[MicroBatch | Failure]:
        config, options = self.config, self.options
        start = self.step * self._parts * self.world.size + self.world.rank
        return iter(
            DataLoader(
                self.task.examples,
                batch_sampler=MicroBatches(config.micro_batch, start=start, every=self.world.size),
                collate_fn=self.task.collate,
                num_workers=options.workers,
                prefetch_factor=_PREFETCH if options.workers else None,
                worker_init_fn=ignore_interrupt,
                pin_memory=self._device.type == "cuda",
            )
        )

    def _step(self, model: nn.Module, batches: Iterator[MicroBatch | Failure], progress: float) -> dict[str, Tensor]:
        config = self.config
        rate = config.optimizer.learning_rate * rate_factor(config.optimizer, step=self.step, progress=progress)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self._optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for part in range(self._parts):
            with self._gradients_shared(model, last=part == self._parts - 1):
                figures = self._forward(model, next(batches), part)
                (figures["loss"] / self._parts).backward()
            for name, value in figures.items():
                sums[name] = sums.get(name, 0) + value.detach() / self._parts
        norm = torch.nn.utils.clip_grad_norm_(self._trained, config.optimizer.clip or math.inf)
        if not bool(norm.isfinite()):
            raise DataError(
                f"step {self.step + 1}: the loss or its gradient is no longer a number. The last save in "
                f"{self.folder.path} is from before; start again from it with a lower learning rate, or without bf16."
            )
        self._optimizer.step()
        self.average.update(self.task.network)
        return {"learning_rate": torch.tensor(rate), **sums, "grad_norm": norm}

    def _forward(self, model: nn.Module, batch: MicroBatch | Failure, part: int) -> dict[str, Tensor]:
        if isinstance(batch, Failure):
            raise DataError(batch.message)
        number = (self.step * self._parts + part) * self.world.size + self.world.rank
        seed = int(np.random.SeedSequence([self.config.seed, _STEPS, number]).generate_state(1)[0])
        torch.manual_seed(seed)  # of dropped branches
        generator = torch.Generator(device=self._device).manual_seed(seed)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self.config.bf16):
            figures: dict[str, Tensor] = model(batch.to(self._device), generator)
        return figures

    def _gradients_shared(self, model: nn.Module, *, last: bool) -> AbstractContextManager[None]:
        """Processes exchange gradients in the last part of a step only."""
        return nullcontext() if last or not isinstance(model, DistributedDataParallel) else model.no_sync()

    def _watch(self, figures: dict[str, Tensor], progress: float) -> None:
        """Log and validate when it is time."""
        if self.step % self.options.log_every == 0 or progress >= 1:
            mean = self.world.mean([value.item() for value in figures.values()], self._device)
            if self.world.main:
                self._report(dict(zip(figures, mean, strict=True)), progress)
        if self.step % self.options.validate_every == 0 and progress < 1:
            self._measure(self.save())

    def _report(self, figures: Mapping[str, float], progress: float) -> None:
        self._log.write("log", self.step, {"seconds": self.seconds} | dict(figures))
        known = {"loss": "loss", "iou_first": "IoU first", "iou_last": "last"}
        shown = "  ".join(f"{word} {figures[name]:.3f}" for name, word in known.items() if name in figures)
        self._print(f"step {self.step}  {min(progress, 1):4.0%}  {shown}")

    def _measure(self, path: Path) -> None:
        """Validate the weights just saved, in the main process; the best are kept under a name of their own."""
        if self._validate is None or not self.world.main:
            return
        figures = self._validate(path)
        self._log.write("validation", self.step, figures)
        self._print(f"step {self.step}  validation  " + "  ".join(f"{k} {v:.4f}" for k, v in figures.items()))
        if figures["mean_iou"] > self.best:
            self.best = figures["mean_iou"]
            self.folder.keep_best()

    def _logging(self) -> AbstractContextManager[Any]:
        return closing(self._log) if self.world.main else nullcontext()


def _quiet(_: str) -> None: ...
