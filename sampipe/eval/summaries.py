"""Figures of a data set from the rows of its pictures, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sampipe.eval.statistics import bootstrap_interval, spearman, spearman_interval

Measured = Mapping[str, Any]
"""``{"rows": [...], "seconds": {...}}`` of one picture."""


def by_picture(measured: Sequence[Measured], column: str) -> list[list[Any]]:
    """A column's values, picture by picture."""
    return [[row[column] for row in picture["rows"]] for picture in measured]


def flat(groups: Sequence[Sequence[Any]]) -> Iterator[Any]:
    """The values of all pictures."""
    return (value for group in groups for value in group)


def mean_summary(key: str, groups: Sequence[Sequence[float]], seed: int) -> dict[str, Any]:
    """The mean over all objects and, as ``KEY_interval``, where it lies with 95 %."""
    mean = float(np.mean(list(flat(groups))))
    return {key: mean, f"{key}_interval": list(bootstrap_interval(groups, seed=seed))}


def gain_summary(measured: Sequence[Measured], name: str, column: str, seed: int) -> dict[str, Any]:
    """How much higher the model is in a column than a competitor: mean difference an object, and its interval."""
    gains = [[row[column] - row[f"{name}_{column}"] for row in picture["rows"]] for picture in measured]
    return mean_summary(f"gain_over_{name}", gains, seed)


def correlation_summary(
    measured: Sequence[Measured], start: str, true: str, predicted: str, seed: int, key: str = "spearman"
) -> dict[str, Any]:
    """Rank correlation of predicted with true IoU, where somebody predicts."""
    trues, guesses = by_picture(measured, f"{start}{true}"), by_picture(measured, f"{start}{predicted}")
    if any(guess is None for guess in flat(guesses)):
        return {}
    interval = spearman_interval(trues, guesses, seed=seed)
    return {
        f"{start}{key}": spearman(list(flat(trues)), list(flat(guesses))),
        f"{start}{key}_interval": None if interval is None else list(interval),
    }
