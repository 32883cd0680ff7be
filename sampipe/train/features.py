"""Embeddings of images that come again, for encoders that are not trained: the heavy step runs once an image."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Features = tuple[Tensor, ...]
"""What :meth:`sampipe.models.sam.Sam.encode` gives: the embedding, then any finer maps."""


class FeatureCache:
    """Features by image, on the CPU, least recently used first out.

    Args:
        max_bytes: of features held; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._held: OrderedDict[str, Features] = OrderedDict()

    def get(
        self, keys: Sequence[str | None], encode: Callable[[list[int]], Features], device: torch.device
    ) -> Features:
        """Features of a batch.

        Args:
            keys: of each image; those without one are always encoded.
            encode: the features of the images of these numbers.
            device: where the answer goes.
        """
        rows: dict[int, Features] = {}
        for number, key in enumerate(keys):
            if key is not None and key in self._held:
                self._held.move_to_end(key)
                rows[number] = tuple(value.to(device) for value in self._held[key])
        missing = [number for number in range(len(keys)) if number not in rows]
        if missing:
            fresh = encode(missing)
            for place, number in enumerate(missing):
                rows[number] = tuple(value[place] for value in fresh)
                key = keys[number]
                if key is not None:
                    self._keep(key, tuple(value.detach().cpu().clone() for value in rows[number]))
        return tuple(torch.stack(parts) for parts in zip(*(rows[n] for n in range(len(keys))), strict=True))

    def _keep(self, key: str, features: Features) -> None:
        size = sum(value.nbytes for value in features)
        if size > self.max_bytes or key in self._held:
            return
        self._held[key] = features
        self.nbytes += size
        while self.nbytes > self.max_bytes:
            _, oldest = self._held.popitem(last=False)
            self.nbytes -= sum(value.nbytes for value in oldest)
