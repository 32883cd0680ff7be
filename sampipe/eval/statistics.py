"""How sure a mean is: bootstrap intervals over images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def bootstrap_interval(
    groups: Sequence[Sequence[float]], *, seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """The percentile interval of the mean over all values, when whole groups are drawn again.

    Objects of one image resemble each other, so images are the unit that is resampled, not objects
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13).

    Args:
        groups: the values by image; no group may be empty.
        seed: of the resampling.
        resamples: how many data sets are drawn.
        level: the share of them inside the interval.
    """
    if not groups or any(len(group) == 0 for group in groups):
        raise ValueError("bootstrap_interval: wanted at least one group and no empty one")
    sums = np.array([np.sum(group) for group in groups], dtype=np.float64)
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    shares = np.full(len(groups), 1 / len(groups))
    drawn = np.random.default_rng(seed).multinomial(len(groups), shares, size=resamples)
    means = (drawn @ sums) / (drawn @ sizes)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
