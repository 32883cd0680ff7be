"""Training a text head on a frozen encoder: every phrase that annotators marked, and some that are not there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sampipe.models.text_head import TextHead
from sampipe.text.clip import TextTower
from sampipe.text.embed import embed_phrases
from sampipe.train.config import OptimizerConfig
from sampipe.train.muon import Muon
from sampipe.train.schedule import MovingAverage, rate_factor
from sampipe.train.text_examples import Batch, ExampleSet

_WARM_UP = 40  # steps
_NEGATIVE_WEIGHT = 3.0  # of phrases that are not on the picture, beside those that are


@dataclass(frozen=True, kw_only=True)
class MapConfig:
    """How a head is trained.

    Args:
        minutes: how long; the learning rate follows the clock. ``None`` goes by ``steps`` alone.
        steps: at most so many.
        batch_size: pictures a step.
        learning_rate: at the peak.
        weight_decay: of the optimizer.
        noise: standard deviation of noise on the features, in units of theirs.
        seed: of batches and first weights.
    """

    minutes: float | None = 12.0
    steps: int = 20_000
    batch_size: int = 16
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    noise: float = 0.15
    seed: int = 0


def train_map(
    head: TextHead,
    examples: ExampleSet,
    tower: TextTower,
    config: MapConfig,
    *,
    say: Callable[[str], None],
) -> dict[str, Tensor]:
    """Train the head in place; returns the averaged weights.

    Args:
        head: to be trained.
        examples: encoded pictures.
        tower: what reads the phrases.
        config: how.
        say: told a line of progress now and then.
    """
    rng = np.random.default_rng(config.seed)
    optimizer = Muon(_groups(head, config.weight_decay), lr=config.learning_rate, betas=(0.9, 0.98))
    average, vectors = MovingAverage(head, decay=0.995), _Vectors(examples, tower)
    schedule = OptimizerConfig(schedule="cosine", warmup=_WARM_UP)
    head.train()
    started, told, step, losses = time.monotonic(), 0.0, 0, []
    while (done := _progress(step, time.monotonic() - started, config)) < 1:
        batch = examples.draw(config.batch_size, rng)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * rate_factor(schedule, step=step, progress=done)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = _logits(head, _noisy(batch, config.noise), vectors.of(batch.text))
        loss = map_loss(logits.float(), batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        average.update(head)
        losses.append(loss.item())
        step += 1
        if time.monotonic() - told > 30:
            say(f"step {step}  {done:5.1%}  loss {np.mean(losses[-50:]):.3f}")
            told = time.monotonic()
    say(f"{step} steps, loss {np.mean(losses[-50:]):.3f}")
    return average.state


def map_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy and dice of phrases that are there, cross-entropy of those that are not.

    Args:
        logits: (b, n, 2 s, 2 s).
        batch: with its masks; places without picture and phrases nobody judged count for nothing.
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


class _Vectors:
    """The phrases' vectors, made when a phrase first comes."""

    def __init__(self, examples: ExampleSet, tower: TextTower) -> None:
        self._examples, self._tower = examples, tower
        self._rows = torch.zeros(0, 0)

    def of(self, numbers: Tensor) -> Tensor:
        """(b, n, d)."""
        new = self._examples.phrases[len(self._rows) :]
        if new:
            made = torch.tensor(embed_phrases(self._tower, new).vectors)
            self._rows = torch.cat([self._rows.reshape(-1, made.shape[1]), made])
        return self._rows[numbers]


def _logits(head: TextHead, batch: Batch, text: Tensor) -> Tensor:
    """(b, n, 2 s, 2 s): each picture with phrases of its own."""
    queries, thresholds = head.ask(text)
    places = head.places(batch.features, batch.fine, batch.pixels)
    return torch.einsum("bkhw,bnk->bnhw", places, queries.to(places.dtype)) + thresholds[..., None, None]


def _noisy(batch: Batch, noise: float) -> Batch:
    if not noise:
        return batch
    features = batch.features + torch.randn_like(batch.features) * (noise * batch.features.std())
    return replace(batch, features=features)


def _progress(step: int, seconds: float, config: MapConfig) -> float:
    by_time = 0.0 if config.minutes is None else seconds / (60 * config.minutes)
    return max(step / config.steps, by_time)


def _groups(head: TextHead, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and kernels decay; biases and norms do not."""
    decayed = [p for p in head.parameters() if p.ndim > 1]
    kept = [p for p in head.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
