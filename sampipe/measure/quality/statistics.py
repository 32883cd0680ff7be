"""How sure a figure is: bootstrap intervals over images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


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
    drawn = _draws(len(groups), seed, resamples)
    return _percentiles((drawn @ sums) / (drawn @ sizes), level)


def spearman(first: ArrayLike, second: ArrayLike) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None where one side is all the same."""
    from scipy.stats import rankdata

    ranks = rankdata(first), rankdata(second)
    if any(np.ptp(one) == 0 for one in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def spearman_interval(
    first: Sequence[Sequence[float]],
    second: Sequence[Sequence[float]],
    *,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """The percentile interval of :func:`spearman` when whole images are drawn again; None where it is undefined.

    Args:
        first: the one value of each object, by image.
        second: the other, likewise.
        seed, resamples, level: see :func:`bootstrap_interval`. Resamples without a correlation are left out.
    """
    sizes = [len(group) for group in first]
    values = [np.concatenate([np.asarray(group, np.float64) for group in side]) for side in (first, second)]
    image = np.repeat(np.arange(len(sizes)), sizes)
    found = []
    for drawn in _draws(len(sizes), seed, resamples):
        times = drawn[image]
        correlation = spearman(*(np.repeat(side, times) for side in values)) if times.any() else None
        if correlation is not None:
            found.append(correlation)
    return _percentiles(np.array(found), level) if found else None


def _draws(groups: int, seed: int, resamples: int) -> np.ndarray:
    """How often each group is in each drawn data set, (resamples, groups)."""
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=resamples)


def _percentiles(values: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
