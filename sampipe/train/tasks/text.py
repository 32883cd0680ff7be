"""A text head on a frozen encoder: every phrase that annotators marked, and some that are not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe.models.text_head import TextHead, save_text_head
from sampipe.text.clip import TextTower
from sampipe.text.embed import embed_phrases
from sampipe.train.config import LoopConfig, OptimizerConfig
from sampipe.train.task import Task
from sampipe.train.text_examples import Batch, ExampleSet, collate_questions

_NEGATIVE_WEIGHT = 3.0  # of phrases that are not in the image, beside those that are

TEXT_LOOP = LoopConfig(
    steps=20_000,
    minutes=12.0,
    batch_size=16,
    micro_batch=16,
    bf16=True,
    optimizer=OptimizerConfig(
        name="muon",
        learning_rate=3e-3,
        weight_decay=0.02,
        layer_decay=1.0,
        drop_path=0.0,
        clip=1.0,
        schedule="cosine",
        warmup=40,
        ema=0.995,
        beta2=0.98,
    ),
)
"""Steps that suit a small head; by default the learning rate follows the clock."""


def text_task(
    head: TextHead,
    examples: ExampleSet,
    tower: TextTower,
    *,
    noise: float = 0.15,
    inputs: Mapping[str, Any] | None = None,
) -> Task:
    """What a set of encoded images teaches a text head.

    Args:
        head: trained in place.
        examples: encoded images with phrases.
        tower: what reads the phrases.
        noise: standard deviation of noise on the features, in units of theirs.
        inputs: data and start, for ``run.json``.
    """

    def save(weights: Mapping[str, Tensor], path: Path, notes: Mapping[str, str]) -> None:
        save_text_head(
            head, path, space=tower.space, sam_digest=examples.model_key, state=dict(weights), notes=dict(notes)
        )

    return Task(
        name="text",
        network=head,
        objective=TextObjective(head, tower, noise=noise),
        examples=examples,
        collate=collate_questions,
        settings={"model": examples.model_key, "shares": examples.shares, "noise": noise},
        shape=asdict(head.config),
        inputs=inputs or {},
        save=save,
    )


class TextObjective(nn.Module):
    """Phrases about encoded images to a loss.

    Args:
        head: that is trained.
        tower: reads each phrase once.
        noise: see :func:`text_task`.
    """

    def __init__(self, head: TextHead, tower: TextTower, *, noise: float) -> None:
        super().__init__()
        self.network = head
        self._read, self._noise = partial(embed_phrases, tower), noise
        self._vectors: dict[str, Tensor] = {}

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """``loss`` (:func:`map_loss`)."""
        features = batch.features
        if self._noise:
            features = features + torch.randn_like(features) * (self._noise * features.std())
        queries, thresholds = self.network.query(self._text(batch))
        places = self.network.places(features, batch.fine, batch.deep, batch.pixels)
        logits = torch.einsum("bkhw,bnk->bnhw", places, queries.to(places.dtype)) + thresholds[..., None, None]
        return {"loss": map_loss(logits.float(), batch)}

    def _text(self, batch: Batch) -> Tensor:
        """The phrases' vectors (b, n, d); zeros where an image has fewer."""
        new = sorted({phrase for phrases in batch.phrases for phrase in phrases} - self._vectors.keys())
        if new:
            self._vectors |= dict(zip(new, torch.tensor(self._read(new).vectors), strict=True))
        width = batch.masks.shape[1]
        nothing = torch.zeros_like(next(iter(self._vectors.values())))
        rows = [[self._vectors[p] for p in phrases] + [nothing] * (width - len(phrases)) for phrases in batch.phrases]
        return torch.stack([torch.stack(row) for row in rows]).to(batch.masks.device)


def map_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy and dice of phrases that are there, cross-entropy of those that are not.

    Args:
        logits: (b, n, 2 s, 2 s).
        batch: with its masks; padding and phrases that nobody judged count for nothing.
    """
    present = (batch.masks.sum(dim=(2, 3)) > 0) & batch.judged
    absent = batch.judged & ~present
    each = F.binary_cross_entropy_with_logits(logits, batch.masks, reduction="none") * batch.content
    entropy = each.sum(dim=(2, 3)) / batch.content.sum(dim=(2, 3)).clamp(min=1)
    likely = logits.sigmoid() * batch.content
    overlap = 2 * (likely * batch.masks).sum(dim=(2, 3)) + 1
    dice = 1 - overlap / (likely.sum(dim=(2, 3)) + batch.masks.sum(dim=(2, 3)) + 1)
    there = ((entropy + dice) * present).sum() / present.sum().clamp(min=1)
    elsewhere = (entropy * absent).sum() / absent.sum().clamp(min=1)
    return there + _NEGATIVE_WEIGHT * elsewhere
