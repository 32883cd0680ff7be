from __future__ import annotations

import numpy as np
import pytest

from sampipe.measure.quality.statistics import bootstrap_interval, spearman, spearman_interval


def test_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        images = [rng.normal(center, 0.1, size=5) for center in rng.normal(0.5, 0.2, size=30)]
        low, high = bootstrap_interval(images, seed=trial, resamples=400)
        covered += low <= 0.5 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_images_are_drawn_not_objects() -> None:
    """Ten times the same objects in an image say nothing new."""
    images = [[0.2], [0.9], [0.5], [0.7]]
    assert bootstrap_interval([image * 10 for image in images]) == pytest.approx(bootstrap_interval(images))


def test_big_images_weigh_by_their_objects() -> None:
    low, high = bootstrap_interval([[0.0], [1.0] * 99])
    assert (low, high) == (0.0, 1.0)
    assert bootstrap_interval([[0.3, 0.3], [0.3]]) == pytest.approx((0.3, 0.3))


def test_the_seed_decides() -> None:
    images = np.random.default_rng(1).random((20, 3)).tolist()
    assert bootstrap_interval(images, seed=3) == bootstrap_interval(images, seed=3)
    assert bootstrap_interval(images, seed=3) != bootstrap_interval(images, seed=4)


@pytest.mark.parametrize("groups", [[], [[0.5], []]])
def test_nothing_to_average_is_an_error(groups: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="at least one group"):
        bootstrap_interval(groups)


def test_spearman_is_that_of_scipy_with_ties() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    first = rng.integers(0, 10, 80)
    second = first + rng.integers(0, 8, 80)
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert spearman([1, 2, 3], [1, 8, 27]) == 1
    assert spearman([1, 2, 3], [3, 2, 1]) == -1
    assert spearman([1, 2, 3], [5, 5, 5]) is None


def test_the_interval_of_a_correlation_is_over_images() -> None:
    rng = np.random.default_rng(1)
    first = [rng.random(4).tolist() for _ in range(60)]
    second = [[value + rng.normal(0, 0.2) for value in image] for image in first]
    found = spearman_interval(first, second)
    assert found is not None
    low, high = found
    whole = spearman(np.concatenate(first), np.concatenate(second))
    assert whole is not None
    assert low < whole < high
    assert 0.02 < high - low < 0.3
    assert spearman_interval([[1.0]], [[2.0]]) is None
