"""Matching with a CLIP model: crops of masks, and the vectors of an image's places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sampipe.text.clip import ClipModel
from sampipe.text.crops import square_crop
from sampipe.text.embed import embed_phrases
from sampipe.text.matching import Crops, ScoreMaps, softmax
from sampipe.types import RLE, Embedding, Image, Masks
from sampipe.types._arrays import FloatArray, UInt8Array

_SHARPNESS = 100.0  # CLIP's own, at which its cosines become probabilities
_CROPS = 32  # at a time
_LARGEST_CROP = 768
_GROW = 1.2
_MAP_SIDE = 64


class ClipMatcher:
    """See :class:`sampipe.text.matching.Matcher`.

    Args:
        clip: the model, both towers.
    """

    def __init__(self, clip: ClipModel) -> None:
        self._clip = clip
        self.name, self.space, self.digest = clip.name, clip.space, clip.digest

    def objects(self, image: Image, phrase: str) -> None:
        """CLIP has places, no objects."""

    def score_maps(self, image: Image, text: Embedding, background: Sequence[str]) -> ScoreMaps:
        """How much more a place resembles a phrase than any of the background phrases."""
        vectors, frame = self._clip.patches(image)
        negative = embed_phrases(self._clip, tuple(background)).vectors if background else None
        places = vectors.reshape(len(vectors), -1)
        wanted = text.vectors @ places
        others = 0.0 if negative is None else (negative @ places).max(axis=0)
        maps = (_SHARPNESS * (wanted - others)).reshape(len(text), *vectors.shape[1:])
        return ScoreMaps(np.stack([_enlarged(one) for one in maps.astype(np.float32)]), frame)

    def scores(
        self, image: Image, masks: Masks, text: Embedding, *, crops: Crops, background: Sequence[str]
    ) -> FloatArray:
        """Probability of each phrase among all phrases and the background ones, by the mask's crop."""
        seen = self._embed(image, masks.rle(), crops)
        negative = embed_phrases(self._clip, tuple(background)).vectors if background else text.vectors[:0]
        everything = np.concatenate([text.vectors, negative])
        return softmax(_SHARPNESS * seen @ everything.T)[:, : len(text)]

    def _embed(self, image: Image, rles: Sequence[RLE], crops: Crops) -> FloatArray:
        """Unit vectors (n, d); of "both" kinds of crops the mean."""
        kinds = (False, True) if crops == "both" else (crops == "masked",)
        parts = [self._clip.encode_images(batch) for batch in _batches(image, rles, kinds)]
        stacked = np.concatenate(parts).reshape(len(rles), len(kinds), -1).mean(axis=1)
        return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True), dtype=np.float32)


def _batches(image: Image, rles: Sequence[RLE], kinds: Sequence[bool]) -> Iterator[list[np.ndarray]]:
    batch = []
    for rle in rles:
        mask = rle if rle.area else RLE.from_mask(np.ones(image.hw, dtype=bool))
        batch += [_shrunk(square_crop(image, mask, grow=_GROW, blank=blank)[0]) for blank in kinds]
        if len(batch) >= _CROPS:
            yield batch
            batch = []
    if batch:
        yield batch


def _shrunk(crop: UInt8Array) -> UInt8Array:
    """At most twice as large as an image tower looks at it, so that a batch of crops of a large image stays small."""
    from PIL import Image as Pillow

    if len(crop) <= _LARGEST_CROP:
        return crop
    image = Pillow.fromarray(crop).resize((_LARGEST_CROP, _LARGEST_CROP), Pillow.Resampling.BOX)
    return np.asarray(image)


def _enlarged(scores: FloatArray) -> FloatArray:
    from PIL import Image as Pillow

    image = Pillow.fromarray(scores).resize((_MAP_SIDE, _MAP_SIDE), Pillow.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)
