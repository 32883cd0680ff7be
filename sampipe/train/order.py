"""Whose turn it is: images of several sources in an order that the seed decides, without memory of what came."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sampipe.errors import DataError
from sampipe.train.sources import MaskDataset

_STREAM = 2  # of random numbers


class Order:
    """A source's images come in a new random order each time all of them could have come.

    Args:
        sources: each with its share of the turns.
        seed: of the orders.

    Raises:
        DataError: a share is not a positive number.
    """

    def __init__(self, sources: Sequence[tuple[MaskDataset, float]], seed: int) -> None:
        self._sizes = [len(source) for source, _ in sources]
        weights = np.array([share for _, share in sources], dtype=float)
        if not np.isfinite(weights).all() or (weights <= 0).any():
            raise DataError(f"shares of the folders: got {weights.tolist()}, wanted positive numbers")
        self._shares = weights / weights.sum()
        self._seed = seed
        self._permutations: dict[int, tuple[int, NDArray[np.int64]]] = {}

    def turn(self, index: int, rng: np.random.Generator) -> tuple[int, int]:
        """Dataset and number of the image whose turn it is at ``index``; ``rng`` draws the source."""
        source = self._source(rng)
        epoch, place = divmod(index, self._sizes[source])
        held = self._permutations.get(source)
        if held is None or held[0] != epoch:
            shuffle = np.random.default_rng([self._seed, _STREAM, source, epoch])
            held = self._permutations[source] = epoch, shuffle.permutation(self._sizes[source])
        return source, int(held[1][place])

    def any(self, rng: np.random.Generator) -> tuple[int, int]:
        """Dataset and number of a random image."""
        source = self._source(rng)
        return source, int(rng.integers(self._sizes[source]))

    def _source(self, rng: np.random.Generator) -> int:
        return int(rng.choice(len(self._sizes), p=self._shares))
