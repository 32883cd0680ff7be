"""What a run of training is, as data: everything that decides its result, and how it is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sampipe.errors import DataError

Schedule = Literal["step", "cosine"]
Stepper = Literal["adamw", "muon"]


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """Optimizer and learning rate; the defaults are the paper's for ViT-H (appendix A "Training recipe").

    Args:
        name: ``"adamw"``, or ``"muon"`` (:class:`sampipe.train.muon.Muon`).
        learning_rate: after the warm-up.
        weight_decay: of matrices and kernels.
        layer_decay: the encoder's layers learn slower the earlier they are, by this factor each (Clark et al. 2020).
        drop_path: chance that the encoder's last residual branch is left out, falling linearly to 0 at the first
            (Huang et al. 2016).
        clip: largest gradient norm; ``None`` for no clipping.
        schedule: ``"step"`` goes down by ten at ``milestones``, ``"cosine"`` to 1/50.
        warmup: steps over which the learning rate rises linearly.
        milestones: shares of the run; the paper's are 60,000 and 86,666 of 90,000 steps.
        ema: decay of the average of the weights that is saved; 0 saves the weights themselves.
        beta2: decay of the squared gradients' average; a short run wants a shorter memory.
    """

    name: Stepper = "adamw"
    learning_rate: float = 8e-4
    weight_decay: float = 0.1
    layer_decay: float = 0.8
    drop_path: float = 0.4
    clip: float | None = None
    schedule: Schedule = "step"
    warmup: int = 250
    milestones: tuple[float, ...] = (60_000 / 90_000, 86_666 / 90_000)
    ema: float = 0.0
    beta2: float = 0.999

    def __post_init__(self) -> None:
        if self.schedule not in get_args(Schedule):
            raise DataError(f"schedule: got {self.schedule!r}, wanted step or cosine.")
        if self.name not in get_args(Stepper):
            raise DataError(f"optimizer: got {self.name!r}, wanted adamw or muon.")


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """A run of training, whatever is taught.

    Args:
        steps: at most so many steps.
        minutes: at most so long; the schedule then follows the clock, so a run ends on time whatever the machine, and
            is not repeated exactly.
        batch_size: images a step, over all processes.
        micro_batch: images that a process holds at once; it takes as many such parts a step as it needs.
        optimizer: its learning rate and schedule, and what is averaged.
        seed: of data, prompts, dropped branches and first weights.
        bf16: compute in bfloat16 where that is safe.
    """

    steps: int = 90_000
    minutes: float | None = None
    batch_size: int = 256
    micro_batch: int = 1
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    seed: int = 0
    bf16: bool = False

    def parts(self, processes: int) -> int:
        """How many micro-batches a step has in each of so many processes.

        Raises:
            DataError: they do not make up a batch.
        """
        parts, rest = divmod(self.batch_size, self.micro_batch * processes)
        if rest or not parts:
            raise DataError(
                f"batch size: got {self.batch_size}, wanted a multiple of the micro-batch times the number of "
                f"processes, {self.micro_batch} x {processes} = {self.micro_batch * processes}."
            )
        return parts


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What does not change a run's result, only how it is carried out and watched; may differ when it is resumed.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``mps``; of several processes each takes its own GPU.
        workers: processes that make examples.
        compile: backend of ``torch.compile`` for the encoder (``inductor``); ``None`` does not compile.
        save_minutes: between checkpoints; 0 saves after each step.
        log_every: steps between lines of the log.
        validate_every: steps between evaluations; the first and the last weights always are.
        tensorboard: write TensorBoard's files, too.
    """

    device: str = "auto"
    workers: int = 1
    compile: str | None = None
    save_minutes: float = 5.0
    log_every: int = 20
    validate_every: int = 1000
    tensorboard: bool = False


DEFAULT_OPTIONS = RunOptions()


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """``"batch_size was 4, is 8"`` for each value in which two JSON documents differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        inner = [differences(old.get(key), new.get(key), str(key)) for key in {**old, **new}]
        return [line for lines in inner for line in lines]
    return [] if old == new else [f"{name} was {old}, is {new}"]
