"""Names in place of crops: without an image tower, the vector of an object's name stands for that of its crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sampipe.data.annotated import AnnotatedImage, GroundTruth
from sampipe.text.clip import TextTower
from sampipe.text.embed import embed_phrases
from sampipe.text.words import WordsEncoder
from sampipe.train.sources import MaskDataset
from sampipe.types._arrays import FloatArray
from sampipe.types.rle import merge


class NamedThings:
    """A data set in which all things of one name on an image are one object, as a phrase means them.

    Args:
        source: the data set; crowds count as what they are called.
        words: names that it does not know are left out.
    """

    def __init__(self, source: MaskDataset, words: WordsEncoder) -> None:
        self._source, self._words = source, words

    def __len__(self) -> int:
        return len(self._source)

    def image(self, index: int) -> AnnotatedImage:
        """The image of that number, with an object a name."""
        found = self._source.image(index)
        named: dict[str, list[GroundTruth]] = {}
        for item in found.objects:
            if self._words.knows(item.category):
                named.setdefault(item.category, []).append(item)
        return found.with_objects(
            [replace(same[0], mask=merge([item.mask for item in same])) for same in named.values()]
        )

    def describe(self) -> dict[str, Any]:
        """As the data set describes itself."""
        return self._source.describe()


def name_vectors(tower: TextTower, names: Sequence[str], noise: float, rng: np.random.Generator) -> FloatArray:
    """Unit vectors (n, d) around those of names, as the images of one class lie around its name.

    Args:
        tower: reads the names.
        names: n of them.
        noise: length of what is added to each unit vector, in a random direction.
        rng: of the directions.
    """
    vectors = np.asarray(embed_phrases(tower, names).vectors)
    directions = rng.normal(size=vectors.shape)
    moved = vectors + noise * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)
