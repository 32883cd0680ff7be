from __future__ import annotations

import numpy as np
import pytest

from sampipe import DataError
from sampipe.nodes import Gaze

# Looks at (10, 10) for 0.2 s, jumps, looks at (100, 50) for 0.4 s; a sample every 0.1 s.
TRACK = [
    [10, 10, 0.0], [12, 10, 0.1], [11, 13, 0.2],
    [60, 30, 0.3],
    [100, 50, 0.4], [102, 50, 0.5], [98, 50, 0.6], [100, 52, 0.7], [100, 48, 0.8],
]  # fmt: skip


def test_a_track_becomes_its_fixations() -> None:
    prompts = Gaze(samples=TRACK, max_dispersion=10, min_seconds=0.2)()
    np.testing.assert_allclose(prompts.points, [[[11, 11]], [[100, 50]]])
    np.testing.assert_allclose(prompts.scores, [0.2 / 0.6, 0.4 / 0.6], rtol=1e-5)


def test_dispersion_is_the_sum_of_both_extents() -> None:
    # The first three samples extend 2 in x and 3 in y.
    assert len(Gaze(samples=TRACK[:3], max_dispersion=5, min_seconds=0.2)()) == 1
    assert len(Gaze(samples=TRACK[:3], max_dispersion=4.9, min_seconds=0.2)()) == 0


def test_a_short_look_is_no_fixation() -> None:
    prompts = Gaze(samples=TRACK, max_dispersion=10, min_seconds=0.3)()
    np.testing.assert_allclose(prompts.points, [[[100, 50]]])


def test_all_fixations_of_one_object() -> None:
    prompts = Gaze(samples=TRACK, max_dispersion=10, min_seconds=0.2, one_object=True)()
    np.testing.assert_allclose(prompts.points, [[[11, 11], [100, 50]]])
    assert prompts.point_labels.tolist() == [[1, 1]]


def test_a_blink_ends_a_fixation() -> None:
    samples = [[5, 5, 0.0], [5, 5, 0.1], [None, None, 0.2], [5, 5, 0.3], [5, 5, 0.4]]
    assert len(Gaze(samples=samples, min_seconds=0.1)()) == 2
    assert len(Gaze(samples=samples, min_seconds=0.2)()) == 0


def test_a_still_eye_is_one_fixation_and_takes_linear_time() -> None:
    times = np.arange(20_000) / 1000
    samples = np.stack([np.full(20_000, 3.0), np.full(20_000, 4.0), times], axis=1).tolist()
    prompts = Gaze(samples=samples)()
    assert prompts.points.tolist() == [[[3, 4]]]


def test_no_samples_are_no_objects() -> None:
    assert len(Gaze(samples=[])()) == 0
    assert len(Gaze(samples=[[None, None, 0.0]])()) == 0


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([[1, 2]], "x, y .* and t"),
        ([[1, 2, "now"]], "x, y .* and t"),
        ([[1, float("inf"), 0.0]], "x, y .* and t"),
        ([[1, 2, 0.1], [1, 2, 0.0]], "run backwards"),
        ([[1, 2, None]], "times .* missing"),
    ],
)
def test_samples_that_do_not_fit(samples: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Gaze(samples=samples)
