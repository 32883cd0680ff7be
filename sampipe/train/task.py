"""What is taught, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from sampipe.models.encoders import ImageEncoder
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.train.data import Failure, collate

Save = Callable[[Mapping[str, Tensor], Path, Mapping[str, str]], None]
"""Weights, file and notes: writes the file whole or not at all."""


class MicroBatch(Protocol):
    """Examples together, as an objective takes them."""

    def to(self, device: torch.device) -> MicroBatch:
        """The same on another device."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A network, what it learns from and how its mistakes are counted.

    Attributes:
        name: of the task, for ``run.json``.
        network: trained in place; what is saved. Parameters without ``requires_grad`` stay.
        objective: a module that holds the network; called with a micro-batch and a generator it returns figures, of
            which ``loss`` is followed.
        examples: by number; example ``i`` follows from the seed and ``i`` alone.
        collate: examples to a micro-batch, or to the :class:`~sampipe.train.data.Failure` among them.
        settings: what is taught, as JSON: a resumed run must share it.
        shape: the network's configuration, as JSON: likewise.
        inputs: what it is taught with (data, start), for ``run.json``.
        save: writes the model's file.
        encoder: the part whose layers have falling learning rates and drop branches, where there is one.
    """

    name: str
    network: nn.Module
    objective: nn.Module
    examples: Dataset[Any]
    collate: Callable[[Sequence[Any]], MicroBatch | Failure] = collate
    settings: Mapping[str, Any]
    shape: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    save: Save
    encoder: ImageEncoder | None = None


def sam_fields(sam: Sam) -> dict[str, Any]:
    """The fields of a task whose network is a whole segmentation model."""

    def save(weights: Mapping[str, Tensor], path: Path, notes: Mapping[str, str]) -> None:
        save_checkpoint(weights, sam.config, path, notes=notes)

    return {"network": sam, "shape": sam.config.to_dict(), "save": save, "encoder": sam.image_encoder}
