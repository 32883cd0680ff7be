"""Where somebody looked, as prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from sampipe.errors import DataError
from sampipe.graph import Node
from sampipe.nodes._limits import NotNegative
from sampipe.types import Prompts


@dataclass(frozen=True)
class Fixation:
    """The eye at rest: mean position in pixels, start and end in seconds."""

    x: float
    y: float
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Gaze(Node):
    """Gaze samples become fixations, and fixations become points.

    The dispersion-threshold algorithm I-DT (Salvucci & Goldberg, "Identifying fixations and saccades in
    eye-tracking protocols", ETRA 2000, section 3.2): a window of at least ``min_seconds`` whose dispersion,
    (max x - min x) + (max y - min y), stays within ``max_dispersion`` pixels grows until it no longer does,
    and is a fixation at its mean.

    Each prompt's score is its share of the time spent in fixations.

    Args:
        samples: [[x, y, t], ...]: pixels of the original image, seconds, in order of time. Null for x and y
            says that the tracker lost the eye (a blink); no fixation goes across it.
        max_dispersion: pixels. About one degree of the visual field is usual.
        min_seconds: shortest fixation.
        one_object: all fixations are points of a single object, not one object each.

    Raises:
        DataError: samples that are not such triples, or times that run backwards.
    """

    samples: Annotated[
        Sequence[Annotated[Sequence[float | None], Field(min_length=3, max_length=3)]],
        Field(
            description="rows of x, y (pixels, or null where the eye was lost) and t (seconds), such as "
            "[[310, 200, 0.00], [312, 201, 0.02]]"
        ),
    ]
    max_dispersion: NotNegative = 40.0
    min_seconds: NotNegative = 0.1
    one_object: bool = False

    def __post_init__(self) -> None:
        _as_samples(self.samples)

    def run(self) -> Prompts:
        found = fixations(_as_samples(self.samples), self.max_dispersion, self.min_seconds)
        if not found:
            return Prompts.empty()
        points = np.array([[[fixation.x, fixation.y]] for fixation in found], np.float32)
        seconds = np.array([fixation.seconds for fixation in found])
        scores = seconds / seconds.sum() if seconds.sum() > 0 else np.full(len(found), 1 / len(found))
        if self.one_object:
            points, scores = points.reshape(1, -1, 2), np.ones(1)
        return Prompts(
            points=points,
            point_labels=np.ones(points.shape[:2], np.int8),
            scores=scores.astype(np.float32),
            source=(self.type_id,) * len(points),
        )


def fixations(samples: np.ndarray, max_dispersion: float, min_seconds: float) -> list[Fixation]:
    """Fixations in a gaze track by I-DT; see :class:`Gaze`.

    Args:
        samples: (n, 3) x, y, t in order of time; NaN positions break the track.
        max_dispersion: pixels.
        min_seconds: shortest fixation.
    """
    found: list[Fixation] = []
    lost = np.flatnonzero(np.isnan(samples[:, :2]).any(axis=1))
    for first, last in zip([0, *(lost + 1)], [*lost, len(samples)], strict=True):
        found += _fixations_of_unbroken(samples[first:last], max_dispersion, min_seconds)
    return found


def _fixations_of_unbroken(samples: np.ndarray, max_dispersion: float, min_seconds: float) -> list[Fixation]:
    found: list[Fixation] = []
    xy, times = samples[:, :2], samples[:, 2]
    start = 0
    while start < len(samples):
        # A nanosecond of slack: in floats 0.3 - 0.2 is a hair below 0.1.
        stop = max(start, int(np.searchsorted(times, times[start] + min_seconds - 1e-9))) + 1
        if stop > len(samples):
            break  # the rest is too short to be a fixation
        low, high = xy[start:stop].min(axis=0), xy[start:stop].max(axis=0)
        if (high - low).sum() > max_dispersion:
            start += 1
            continue
        while stop < len(samples):
            wider_low, wider_high = np.minimum(low, xy[stop]), np.maximum(high, xy[stop])
            if (wider_high - wider_low).sum() > max_dispersion:
                break
            low, high, stop = wider_low, wider_high, stop + 1
        x, y = xy[start:stop].mean(axis=0)
        found.append(Fixation(x=float(x), y=float(y), start=float(times[start]), end=float(times[stop - 1])))
        start = stop
    return found


def _as_samples(samples: Sequence[Sequence[float | None]]) -> np.ndarray:
    """Samples (n, 3), NaN where the eye was lost."""
    values = np.asarray(samples, dtype=np.float64).reshape(-1, 3)
    times = values[:, 2]
    if np.isnan(times).any() or (np.diff(times) < 0).any():
        raise DataError("Gaze: the times of the samples are missing or run backwards; wanted seconds in order.")
    return values
