"""The boundary benchmark of BSDS500: counts for each image and threshold, and the four figures made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError
from sampipe.measure.quality.bsds_match import PixelSet, correspond

MAX_DISTANCE = 0.0075
"""How far a pixel may lie from its partner, as a share of the image's diagonal."""
THRESHOLDS = 99
"""Strengths at which a map is cut, evenly between 0 and 1 without the ends."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EdgeCounts:
    """What an image's edges got right at each threshold; (thresholds,) each.

    Attributes:
        matched_truth: annotated pixels with a partner, summed over annotators.
        truth: annotated pixels, summed over annotators.
        matched_edges: edge pixels with a partner in any annotation.
        edges: edge pixels.
    """

    matched_truth: Counts
    truth: Counts
    matched_edges: Counts
    edges: Counts

    def __add__(self, other: EdgeCounts) -> EdgeCounts:
        return EdgeCounts(
            self.matched_truth + other.matched_truth,
            self.truth + other.truth,
            self.matched_edges + other.matched_edges,
            self.edges + other.edges,
        )

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the annotated pixels that were found; 0 where there are none."""
        return self.matched_truth / np.maximum(self.truth, 1)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the edge pixels that an annotator drew; 0 where there are none."""
        return self.matched_edges / np.maximum(self.edges, 1)

    def at(self, index: int) -> EdgeCounts:
        """The counts of one threshold."""
        one = slice(index, index + 1)
        return EdgeCounts(self.matched_truth[one], self.truth[one], self.matched_edges[one], self.edges[one])


@dataclass(frozen=True)
class EdgeScores:
    """The benchmark's figures.

    Attributes:
        ods: best F-measure with one threshold for all images.
        ods_threshold, ods_precision, ods_recall: where it is reached.
        ois: F-measure with the best threshold of each image.
        ap: area under precision over recall.
        r50: recall at a precision of one half.
    """

    ods: float
    ods_threshold: float
    ods_precision: float
    ods_recall: float
    ois: float
    ap: float
    r50: float


def count_edges(
    strength: NDArray[np.floating],
    boundaries: Sequence[NDArray[np.bool_]],
    *,
    thresholds: int = THRESHOLDS,
    max_distance: float = MAX_DISTANCE,
) -> EdgeCounts:
    """Compare an edge map with every annotator's boundaries, at each threshold.

    The map is cut at the threshold, thinned (Guo and Hall, CACM 1989, as the benchmark's own tools do), and matched
    with each annotation by assignment (:func:`~sampipe.measure.quality.bsds_match.correspond`). A threshold that
    leaves the pixels of the one before is not counted again.

    Args:
        strength: (h, w), 0 to 1.
        boundaries: bool (h, w), one an annotator.
        thresholds: how many.
        max_distance: as a share of the diagonal.

    Raises:
        DataError: no annotation, or shapes that differ.
    """
    if not boundaries or any(one.shape != strength.shape for one in boundaries):
        shapes = ", ".join(str(one.shape) for one in boundaries) or "none"
        raise DataError(f"boundaries: got {shapes} for edges of {strength.shape}; wanted one or more of that size")
    from skimage.morphology import thin

    tolerance = max_distance * float(np.hypot(*strength.shape))
    truths = [PixelSet.of(one, tolerance) for one in boundaries]
    rows: list[tuple[int, int, int]] = []
    before: NDArray[np.bool_] | None = None
    for threshold in threshold_values(thresholds):
        cut = strength >= threshold
        if before is None or (cut != before).any():
            found = _count(PixelSet.of(thin(cut), tolerance), truths, tolerance)
        rows.append(found)
        before = cut
    matched_truth, matched_edges, edges = np.array(rows, dtype=np.int64).T
    truth = np.full(thresholds, sum(len(one) for one in truths), dtype=np.int64)
    return EdgeCounts(matched_truth, truth, matched_edges, edges)


def _count(edges: PixelSet, truths: Sequence[PixelSet], tolerance: float) -> tuple[int, int, int]:
    """Annotated pixels matched, edge pixels matched by anybody, edge pixels."""
    matched_truth, by_anybody = 0, np.zeros(len(edges), dtype=np.bool_)
    for truth in truths:
        of_edges, of_truth = correspond(edges, truth, tolerance)
        matched_truth += int(of_truth.sum())
        by_anybody |= of_edges
    return matched_truth, int(by_anybody.sum()), len(edges)


def threshold_values(count: int = THRESHOLDS) -> NDArray[np.float64]:
    """The strengths, (count,), ascending."""
    return np.linspace(1 / (count + 1), count / (count + 1), count)


def score_edges(images: Sequence[EdgeCounts]) -> EdgeScores:
    """The four figures of a set of images, as the benchmark's own tools define them.

    ODS is looked for between neighbouring thresholds too, precision and recall taken as linear there. OIS sums the
    counts of each image's best threshold. AP is the mean of the precision interpolated at recalls 0, 0.01 ... 1,
    with nothing beyond the recalls reached; a map of one strength has a single point, whose rectangle is its area. R50
    is interpolated along the precision.
    """
    if not images:
        raise DataError("score_edges: no image was counted")
    total = sum(images[1:], start=images[0])
    recall, precision = total.recall, total.precision
    between_r, between_p, between_t = map(_refined, (recall, precision, threshold_values(len(recall))))
    f = _f_measure(between_r, between_p)
    best = np.unravel_index(int(f.argmax()), f.shape)
    each_best = [counts.at(int(_f_measure(counts.recall, counts.precision).argmax())) for counts in images]
    own = sum(each_best[1:], start=each_best[0])
    return EdgeScores(
        ods=float(f[best]),
        ods_threshold=float(between_t[best]),
        ods_precision=float(between_p[best]),
        ods_recall=float(between_r[best]),
        ois=float(_f_measure(own.recall, own.precision)[0]),
        ap=_average_precision(recall, precision),
        r50=_recall_at_half(recall, precision),
    )


def _refined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n - 1, 100): from each value to the next in even steps; a single value as it is, (1, 1)."""
    share = np.linspace(0, 1, 100)
    return values[:-1, None] * (1 - share) + values[1:, None] * share if len(values) > 1 else values[None]


def _f_measure(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> NDArray[np.float64]:
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)


def _average_precision(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    reached, first = np.unique(recall, return_index=True)
    if len(reached) < 2:
        return float(recall[0] * precision[0])
    return float(np.interp(np.linspace(0, 1, 101), reached, precision[first], left=0, right=0).sum() / 100)


def _recall_at_half(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    reached, first = np.unique(precision, return_index=True)
    return float(np.interp(max(reached[0], 0.5), reached, recall[first]))
