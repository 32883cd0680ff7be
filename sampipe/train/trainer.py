"""The training loop: batches in, checkpoints and a log out.

A run is a folder: ``config.json`` (all that is needed to repeat it), ``log.csv``, ``state.pt`` (to resume) and
``model.safetensors`` (the averaged weights, ready for ``load_model``).
"""

from __future__ import annotations

import copy
import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from sampipe._files import whole_file, write_atomic
from sampipe.errors import CheckpointError
from sampipe.models.checkpoints import save_checkpoint
from sampipe.models.device import resolve_device
from sampipe.models.load import load_model
from sampipe.models.sam import Sam
from sampipe.train.data import Batch, CropConfig, ExampleStream, collate
from sampipe.train.losses import MaskLoss
from sampipe.train.objective import batch_loss
from sampipe.train.presets import preset
from sampipe.train.schedule import MovingAverage, cosine

LOG_FIELDS = ("step", "seconds", "learning_rate", "loss", "affinity", "iou_first", "iou_last", "grad_norm")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One stage of training.

    Args:
        folders: COCO folders and their share of the examples.
        minutes: how long to train, decoding of data included; the schedule follows the clock, so a stage ends on time
            whatever the machine. ``None`` goes by ``steps`` alone.
        steps: at most so many steps.
        batch_size: pictures a step.
        rounds: prompts an object (the paper: 11).
        learning_rate: at the peak.
        weight_decay: of AdamW.
        clip: largest gradient norm.
        mask_loss: proportions of focal and dice.
        affinity_weight: of a loss on the encoder itself, for starts from nothing (0, as in the paper: none).
        crop: the making of examples.
        workers: processes that make them.
        seed: of data, prompts and initial weights.
        bf16: compute in bfloat16 where that is safe.
        save_minutes: time between checkpoints.
    """

    folders: tuple[tuple[str, float], ...]
    minutes: float | None = None
    steps: int = 90_000
    batch_size: int = 16
    rounds: int = 11
    learning_rate: float = 8e-4
    weight_decay: float = 0.1
    clip: float = 1.0
    mask_loss: MaskLoss = field(default_factory=MaskLoss)
    affinity_weight: float = 0.0
    crop: CropConfig = field(default_factory=CropConfig)
    workers: int = 1
    seed: int = 0
    bf16: bool = True
    save_minutes: float = 5.0


class Trainer:
    """Trains a network into a run folder; goes on where the folder stopped.

    Args:
        sam: the network; trained in place.
        config: the stage.
        folder: of the run; created. A ``state.pt`` in it is resumed.
        say: told a line of progress now and then.

    Raises:
        CheckpointError: ``state.pt`` belongs to another configuration.
    """

    def __init__(self, sam: Sam, config: TrainConfig, folder: Path, *, say: Callable[[str], None]) -> None:
        self.sam, self.config, self.folder, self.say = sam, config, folder, say
        groups = _decay_groups(sam, config.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.999))
        self.average = MovingAverage(sam)
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self._resume()
        write_atomic(folder / "config.json", json.dumps(self._description(), indent=2, allow_nan=False).encode())

    def run(self) -> Path:
        """Train until the time or the steps are used up; returns the file of the averaged weights."""
        device = self.sam.pixel_mean.device
        generator = torch.Generator(device=device).manual_seed(self.config.seed + self.step)
        started, saved = time.monotonic() - self.seconds, self.seconds
        self.sam.train()
        for batch in self._batches():
            figures = self._step(batch, device, generator)
            self.step += 1
            self.seconds = time.monotonic() - started
            if self.step % 20 == 0:
                self._log(figures)
            if self.seconds - saved > 60 * self.config.save_minutes:
                self.save()
                saved = self.seconds
            if self.progress >= 1:
                break
        return self.save()

    @property
    def progress(self) -> float:
        """Share of the stage that is done, 0..1."""
        by_steps = self.step / self.config.steps
        by_time = 0.0 if self.config.minutes is None else self.seconds / (60 * self.config.minutes)
        return max(by_steps, by_time)

    def save(self) -> Path:
        """Write ``state.pt`` and ``model.safetensors``, each whole or not at all."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "network": self.sam.state_dict(),
            "average": self.average.state,
            "average_steps": self.average.steps,
            "optimizer": self.optimizer.state_dict(),
            "config": self._description(),
        }
        with whole_file(self.folder / "state.pt") as partial:
            torch.save(state, partial)
        path = self.folder / "model.safetensors"
        save_checkpoint(self.average.state, self.sam.config, path)
        return path

    def _batches(self) -> Iterator[Batch]:
        config = self.config
        stream = ExampleStream(
            folders=[(Path(path), share) for path, share in config.folders],
            crop=config.crop,
            seed=config.seed + self.step,
        )
        return iter(
            DataLoader(
                stream,
                batch_size=config.batch_size,
                collate_fn=collate,
                num_workers=config.workers,
                prefetch_factor=4 if config.workers else None,
            )
        )

    def _step(self, batch: Batch, device: torch.device, generator: torch.Generator) -> dict[str, float]:
        rate = self.config.learning_rate * cosine(self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        moved = Batch(batch.pixels.to(device), batch.masks.to(device), batch.owner.to(device))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.config.bf16):
            figures = batch_loss(
                self.sam,
                moved,
                rounds=self.config.rounds,
                mask_loss=self.config.mask_loss,
                affinity_weight=self.config.affinity_weight,
                generator=generator,
            )
        self.optimizer.zero_grad(set_to_none=True)
        figures["loss"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.sam.parameters(), self.config.clip)
        self.optimizer.step()
        self.average.update(self.sam)
        return {name: value.item() for name, value in figures.items()} | {
            "learning_rate": rate,
            "grad_norm": norm.item(),
        }

    def _log(self, figures: dict[str, float]) -> None:
        rounded = {name: round(value, 6) for name, value in figures.items()}
        row = {"step": self.step, "seconds": round(self.seconds, 1)} | rounded
        path = self.folder / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=LOG_FIELDS)
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        self.say(
            f"step {self.step}  {self.progress:5.1%}  loss {figures['loss']:.3f}  "
            f"IoU first {figures['iou_first']:.3f} last {figures['iou_last']:.3f}"
        )

    def _resume(self) -> None:
        path = self.folder / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=self.sam.pixel_mean.device)
        if state["config"]["model"] != self._description()["model"]:
            raise CheckpointError(
                f"{path} belongs to a model of another shape. Choose another run folder, or delete this one."
            )
        self.sam.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.state, self.average.steps = state["average"], state["average_steps"]
        self.step, self.seconds = state["step"], state["seconds"]
        self.say(f"resumed at step {self.step} after {self.seconds / 60:.0f} minutes")

    def _description(self) -> dict[str, Any]:
        return {"model": self.sam.config.to_dict(), "train": json.loads(json.dumps(asdict(self.config)))}


def new_network(shape: str, *, start: str | None, seed: int, device: str) -> Sam:
    """A network to train: of a named shape with random weights, or a copy of a model that exists.

    Args:
        shape: a name of :data:`sampipe.train.presets.PRESETS`; unused when ``start`` is given.
        start: a model's name or a checkpoint file.
        seed: of the random weights.
        device: where it trains.
    """
    if start is not None:
        return copy.deepcopy(load_model(start, device).sam).requires_grad_(True)
    torch.manual_seed(seed)
    return Sam(preset(shape)).to(memory_format=torch.channels_last).to(resolve_device(device))


def _decay_groups(sam: Sam, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices and kernels decay; biases, norms and embeddings of one row do not."""
    decayed = [p for p in sam.parameters() if p.requires_grad and p.ndim > 1]
    kept = [p for p in sam.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
