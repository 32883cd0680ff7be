"""Training a detector's head on a frozen backbone; see :mod:`sampipe.train.detect_examples` for what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.errors import CheckpointError
from sampipe.models.config import DetectorConfig
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import read_checkpoint
from sampipe.train.config import LoopConfig, OptimizerConfig
from sampipe.train.detect_examples import DetectBatch, View, Views, together
from sampipe.train.freeze import freeze
from sampipe.train.task import Task, sam_fields

_BOX_WEIGHT = 5.0  # as YOLOX

DETECT_LOOP = LoopConfig(
    steps=20_000,
    batch_size=16,
    micro_batch=16,
    optimizer=OptimizerConfig(
        learning_rate=2e-3,
        weight_decay=0.05,
        layer_decay=1.0,
        drop_path=0.0,
        clip=10.0,
        schedule="cosine",
        warmup=100,
        ema=0.998,
    ),
)


def with_detector(network: Sam, names: Sequence[str], *, seed: int = 0) -> Sam:
    """A copy of a network with a head for objects of those names; a head for the same names stays.

    Raises:
        CheckpointError: its encoder has no backbone to put a head on.
    """
    if network.detector is not None and network.detector.config.names == tuple(names):
        return network
    if not network.config.image_encoder.backbone_channels:
        raise CheckpointError("A detector's head stands on nano's backbone; this model's encoder has none.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        grown = Sam(replace(network.config, detector=DetectorConfig(names=tuple(names))))
    state = {name: value for name, value in network.state_dict().items() if not name.startswith("detector.")}
    grown.load_state_dict(state, strict=False)
    return grown.to(network.pixel_mean.device).to(memory_format=torch.channels_last)


def take_detector(network: Sam, path: Path) -> None:
    """Fill the head of ``network`` from another model's file.

    Raises:
        CheckpointError: that model has no head, or another; or it stands on another backbone.
    """
    found = read_checkpoint(path).tensors
    own = network.state_dict()
    shared = {name for name in own if name.startswith(("detector.", "image_encoder.backbone."))}
    for name in shared:
        if name not in found or found[name].shape != own[name].shape:
            raise CheckpointError(f"{path}: {name} is missing or of another shape; wanted a model with such a head.")
        if name.startswith("image_encoder.") and not torch.equal(found[name].half(), own[name].cpu().half()):
            raise CheckpointError(f"{path}: its head was trained on another backbone ({name} differs).")
    heads = {name: found[name] for name in shared if name.startswith("detector.")}
    network.load_state_dict({name: value.to(own[name].dtype) for name, value in heads.items()}, strict=False)


def detect_task(network: Sam, views: Sequence[View], *, size: int, seed: int, inputs: Mapping[str, Any]) -> Task:
    """What views that were encoded once teach a detector's head; everything else of the network stays.

    Args:
        network: with a detector, trained in place.
        views: see :func:`sampipe.train.detect_examples.build_views`.
        size: of the views, in pixels.
        seed: of their order.
        inputs: data, start and teacher, for ``run.json``.
    """
    return Task(
        name="detect",
        objective=DetectObjective(network),
        examples=Views(views, seed),
        collate=together(size),
        settings={"views": len(views)},
        inputs=inputs,
        **(sam_fields(network) | {"encoder": None}),
    )


class DetectObjective(nn.Module):
    """Views to a loss; everything but the head stays as it is.

    Args:
        sam: with a detector, which is trained.
        noise: standard deviation of noise on the backbone's maps, in units of theirs.
    """

    def __init__(self, sam: Sam, *, noise: float = 0.1) -> None:
        super().__init__()
        freeze(sam, ("encoder", "prompt_encoder"))
        sam.mask_decoder.requires_grad_(False)
        assert sam.detector is not None
        sam.detector.requires_grad_(True)
        self.network, self._noise = sam, noise

    def train(self, mode: bool = True) -> DetectObjective:
        """Training mode for the head alone."""
        super().train(False)
        assert self.network.detector is not None
        self.network.detector.train(mode)
        return self

    def forward(self, batch: DetectBatch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """``loss``, and its parts to log."""
        assert self.network.detector is not None
        maps = [self._noisy(value, generator) for value in batch.maps]
        return detection_loss(self.network.detector(maps), batch)

    def _noisy(self, value: Tensor, generator: torch.Generator | None) -> Tensor:
        noise = torch.randn(value.shape, generator=generator, device=value.device)
        return value + noise * (self._noise * value.std())


def detection_loss(said: tuple[Tensor, Tensor, Tensor], batch: DetectBatch) -> dict[str, Tensor]:
    """Cross-entropy with what the cells were told, and GIoU of boxes (Rezatofighi et al. 2019); each per object.

    Boxes and classes count as much as a cell's objectness.
    """
    boxes, objectness, classes = said
    told = batch.told
    weight = told[..., 4] * batch.inside
    total = weight.sum().clamp(min=1)
    found = F.binary_cross_entropy_with_logits(objectness, told[..., 4], reduction="none") * batch.inside
    there = weight > 0.02
    what = F.binary_cross_entropy_with_logits(classes[there], told[..., 5:][there], reduction="none").sum(dim=-1)
    where = 1 - generalized_iou(boxes[there], told[..., :4][there])
    parts = {
        "objectness": found.sum() / total,
        "classes": (what * weight[there]).sum() / total,
        "boxes": _BOX_WEIGHT * (where * weight[there]).sum() / total,
    }
    return {"loss": torch.stack(list(parts.values())).sum()} | {name: value.detach() for name, value in parts.items()}


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """Of boxes (n, 4) xyxy with boxes (n, 4), each with its own."""
    sides = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    around = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    common, hull = sides.prod(dim=1), around.prod(dim=1).clamp(min=1e-6)
    union = ((a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - common).clamp(min=1e-6)
    return common / union - (hull - union) / hull
