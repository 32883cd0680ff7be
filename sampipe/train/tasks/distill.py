"""A small encoder taught to give a large one's embeddings, with the large one's decoder copied.

Zhang et al. 2023, "Faster Segment Anything" (MobileSAM), section 3: the mean squared error between the two embeddings
is all that is followed; prompts and masks are not needed, and the decoder fits as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from sampipe.errors import CheckpointError
from sampipe.models.config import SamConfig
from sampipe.models.encoders import ViTConfig
from sampipe.models.sam import Sam
from sampipe.train.config import LoopConfig, OptimizerConfig
from sampipe.train.crops import Window, cut
from sampipe.train.data import Batch, Example, Failure, attempt
from sampipe.train.features import FeatureCache, Features
from sampipe.train.freeze import freeze
from sampipe.train.image_cache import ImageCache
from sampipe.train.order import Order
from sampipe.train.presets import PRESETS
from sampipe.train.sources import ImageFolder
from sampipe.train.starts import copied_network
from sampipe.train.task import Task, sam_fields

_STREAM = 4  # of random numbers

DISTILLATION = LoopConfig(
    steps=20_000,
    batch_size=8,
    micro_batch=8,
    optimizer=OptimizerConfig(
        learning_rate=1e-3,
        weight_decay=0.05,
        layer_decay=1.0,
        drop_path=0.0,
        clip=1.0,
        schedule="cosine",
        warmup=200,
        ema=0.998,
    ),
)
"""Steps that suit a small student."""


@dataclass
class ImageExamples(Dataset["Example | Failure"]):
    """Whole images without masks, by number; half of them mirrored.

    Args:
        source: of the images.
        size: side of the square examples.
        seed: decides order and mirroring.
        image_bytes: decoded images that each worker may keep.
    """

    source: ImageFolder
    size: int
    seed: int
    image_bytes: int = 0

    def __post_init__(self) -> None:
        self._images = ImageCache(self.image_bytes)
        self._order = Order([(self.source, 1.0)], self.seed)

    def __getitem__(self, index: int) -> Example | Failure:
        return attempt(lambda: self._make(index))

    def _make(self, index: int) -> Example:
        rng = np.random.default_rng([self.seed, _STREAM, index])
        _, number = self._order.turn(index, rng)
        image = self._images.open(self.source.image(number).path)
        mirrored = bool(rng.random() < 0.5)
        if mirrored:
            image = image.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT)
        window = Window(0.0, 0.0, float(max(image.size)), float(max(image.size)))
        pixels = np.array(cut(image, window, self.size, Pillow.Resampling.BILINEAR))
        width, height = window.content(image.size, self.size)
        cells = self.size // 4
        return Example(
            pixels=torch.from_numpy(pixels).permute(2, 0, 1),
            masks=torch.zeros(0, cells, cells),
            content=(height, width),
            key=f"{number}/{mirrored}",
        )


class DistillObjective(nn.Module):
    """Mean squared error between the student's features and the teacher's.

    Args:
        student: its encoder is taught.
        teacher: not changed.
        feature_bytes: what the teacher's features may take in memory; an image is then shown to it but once.
    """

    def __init__(self, student: Sam, teacher: Sam, *, feature_bytes: int = 0) -> None:
        super().__init__()
        self.network = student
        self.teacher = teacher.requires_grad_(False)
        self._cache = FeatureCache(feature_bytes)
        self._maps = 3 if teacher.config.mask_decoder.fine_features else 1

    def train(self, mode: bool = True) -> DistillObjective:
        """Training mode of the student's encoder alone."""
        super().train(mode)
        for module in (self.teacher, self.network.prompt_encoder, self.network.mask_decoder):
            module.eval()
        return self

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """``loss``, and ``cosine``: how alike the embeddings' directions are, over cells."""
        inside = batch.inside()

        def pixels(numbers: list[int]) -> Tensor:
            return self.network.normalize(batch.pixels[numbers].float()) * inside[numbers]

        with torch.no_grad():
            taught = self._cache.get(batch.keys, lambda numbers: self._taught(pixels(numbers)), batch.pixels.device)
        given = self.network.encode(pixels(list(range(len(batch.pixels)))))[: self._maps]
        loss = torch.stack([F.mse_loss(a.float(), b.float()) for a, b in zip(given, taught, strict=True)]).sum()
        cosine = F.cosine_similarity(given[0].detach().float(), taught[0].float()).mean()
        return {"loss": loss, "cosine": cosine}

    def _taught(self, pixels: Tensor) -> Features:
        return self.teacher.encode(pixels)[: self._maps]


def new_student(student: str, teacher: Sam, *, seed: int, device: torch.device) -> tuple[Sam, dict[str, Any]]:
    """The student: a shape made to give embeddings of the teacher's shape, or a model that does already; with the
    teacher's prompt encoder and decoder.

    Args:
        student: a name of :data:`sampipe.train.presets.PRESETS`, or a checkpoint file to start from.
        teacher: whose decoder is copied.
        seed: of the random weights.
        device: where it is trained.

    Returns:
        the network, and what it began with, for ``run.json``.

    Raises:
        CheckpointError: no such shape or file, or one whose embeddings do not fit the teacher's decoder.
    """
    if student in PRESETS:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = Sam(student_config(student, teacher.config))
        network = made.to(memory_format=torch.channels_last).to(device)
        began: dict[str, Any] = {"shape": student, "seed": seed}
    else:
        network, began = copied_network(student, device=device)
    _check_fit(student, network.config, teacher.config)
    network.prompt_encoder.load_state_dict(teacher.prompt_encoder.state_dict())
    network.mask_decoder.load_state_dict(teacher.mask_decoder.state_dict())
    freeze(network, ["prompt_encoder", "decoder"])
    return network, began


def student_config(shape: str, teacher: SamConfig) -> SamConfig:
    """The teacher's configuration with an encoder of a named shape, of the same input and embedding size."""
    encoder = replace(PRESETS[shape].image_encoder, image_size=teacher.image_size, out_channels=teacher.embed_dim)
    if isinstance(encoder, ViTConfig):
        encoder = replace(encoder, patch=teacher.stride)
    if encoder.fine_channels and teacher.mask_decoder.fine_features:
        fine: Any = {"fine_channels": (teacher.embed_dim // 4, teacher.embed_dim // 8)}
        encoder = replace(encoder, **fine)
    return replace(teacher, image_encoder=encoder)


def _check_fit(name: str, student: SamConfig, teacher: SamConfig) -> None:
    shapes = [f"{config.embed_dim} x {config.grid} x {config.grid}" for config in (student, teacher)]
    if shapes[0] != shapes[1] or student.image_size != teacher.image_size:
        raise CheckpointError(
            f"{name}: its embedding is {shapes[0]} at {student.image_size} pixels and the teacher's {shapes[1]} at "
            f"{teacher.image_size}; give a shape as --student ({', '.join(PRESETS)}), which is made to fit."
        )
    if teacher.mask_decoder.fine_features and not student.image_encoder.fine_channels:
        raise CheckpointError(
            f"{name}: the teacher's decoder also takes finer maps, which only a nano encoder gives; use --student nano."
        )
    parts = (student.prompt_encoder, student.mask_decoder), (teacher.prompt_encoder, teacher.mask_decoder)
    if parts[0] != parts[1]:
        raise CheckpointError(f"{name}: its decoder is of another shape than the teacher's, which is to be copied.")


def distill_task(
    student: Sam,
    teacher: Sam,
    folder: Path,
    *,
    seed: int = 0,
    start: Mapping[str, Any] | None = None,
    image_bytes: int = 1 << 29,
    feature_bytes: int = 1 << 31,
) -> Task:
    """What ``teacher`` teaches ``student`` (:func:`new_student`) on the images of a folder and of all folders below.

    Args:
        student: trained in place.
        teacher: on the same device.
        folder: of images; no annotations are needed.
        seed: of their order; the loop's.
        start: teacher and student, for ``run.json``.
        image_bytes: decoded images that each worker may keep.
        feature_bytes: the teacher's features that are kept.

    Raises:
        DataError: there is no image.
    """
    source = ImageFolder(folder)
    data = source.describe()
    return Task(
        name="distill",
        objective=DistillObjective(student, teacher, feature_bytes=feature_bytes),
        examples=ImageExamples(source, student.config.image_size, seed, image_bytes),
        settings={"data": data["digest"], "start": dict(start or {})},
        inputs={"data": [data], "start": dict(start or {})},
        **sam_fields(student),
    )
