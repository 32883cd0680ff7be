from __future__ import annotations

import numpy as np
import pytest

from sampipe.eval.statistics import bootstrap_interval


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
