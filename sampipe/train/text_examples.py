"""What a text head learns from: encoded images, with phrases and where they are.

The encoder is frozen, so an image is encoded once and kept; the head then trains on what is kept, many times faster
than any file could be decoded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sampipe._files import atomic_file
from sampipe.errors import CheckpointError
from sampipe.models.text_head import as_pixels
from sampipe.train.captioned import WORDS, draw_query
from sampipe.types._arrays import BoolArray, UInt8Array

_SENTENCES = 20  # about a composed scene
_CHANGED = 0.4  # share of them with one word exchanged for another
_STREAM = 5  # of random numbers


@dataclass(frozen=True)
class TextExample:
    """One encoded image.

    Attributes:
        features: (channels, s, s) float16.
        fine: (channels, 2 s, 2 s) float16; no channels where the model has no finer map.
        deep: (channels, s / 2, s / 2) float16; no channels where the model has no such map.
        pixels: uint8 (3, 8 s, 8 s), the image at half its size.
        phrases: what is on it; for a composed scene the full name of each thing.
        masks: uint8 (k, 2 s * 2 s / 8): where, packed bits.
        source: which vocabulary its annotators had; "scene" for composed scenes.
        content: rows and columns of the map that hold image.
    """

    features: Tensor
    fine: Tensor
    deep: Tensor
    pixels: Tensor
    phrases: tuple[str, ...]
    masks: UInt8Array
    source: str
    content: tuple[int, int]

    @property
    def side(self) -> int:
        """Rows and columns of the map that the head is taught: 2 s, stride 8."""
        return 2 * int(self.features.shape[-1])

    def where(self) -> BoolArray:
        """The masks, (k, 2 s, 2 s)."""
        return np.unpackbits(self.masks, axis=1).reshape(-1, self.side, self.side).astype(bool)


def pack(masks: Sequence[BoolArray]) -> UInt8Array:
    """Masks (2 s, 2 s) as rows of bits."""
    return np.packbits(np.asarray(masks, dtype=bool).reshape(len(masks), -1), axis=1)


@dataclass(frozen=True)
class Batch:
    """Images with phrases, n at most for each.

    Attributes:
        features, fine, deep: (b, channels, s, s), (b, channels, 2 s, 2 s) and (b, channels, s / 2, s / 2).
        pixels: (b, 3, 8 s, 8 s), as the head takes them.
        phrases: of each image.
        masks: (b, n, 2 s, 2 s).
        judged: (b, n): whether the annotators would have marked the phrase; false beyond an image's phrases.
        content: (b, 1, 2 s, 2 s): where there is image and not padding.
    """

    features: Tensor
    fine: Tensor
    deep: Tensor
    pixels: Tensor
    phrases: tuple[tuple[str, ...], ...]
    masks: Tensor
    judged: Tensor
    content: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        names = ("features", "fine", "pixels", "masks", "judged", "content")
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=True) for name in names})


@dataclass(frozen=True)
class Question:
    """Phrases about an encoded image.

    Attributes:
        example: the image.
        phrases: what is asked.
        where: bool (n, 2 s, 2 s), the answers.
        mirrored: whether image and answers are to be mirrored.
    """

    example: TextExample
    phrases: tuple[str, ...]
    where: BoolArray
    mirrored: bool


class ExampleSet(Dataset[Question]):
    """Examples and their vocabularies; question ``i`` follows from the seed and ``i`` alone.

    All sources come mixed, since the head's norms see a batch when it learns and all sources' mean when it is used.

    Args:
        examples: the examples.
        vocabulary: for each source all phrases that its annotators marked wherever they saw them.
        shares: how often each source is drawn.
        model_key: digest of the model that encoded.
        negatives: phrases about an image that are not in it.
        seed: decides every question.
    """

    def __init__(
        self,
        examples: Sequence[TextExample],
        vocabulary: Mapping[str, Sequence[str]],
        shares: Mapping[str, float],
        *,
        model_key: str,
        negatives: int = 14,
        seed: int = 0,
    ) -> None:
        self.examples, self.negatives, self.model_key, self.seed = list(examples), negatives, model_key, seed
        self.vocabulary = {source: tuple(names) for source, names in vocabulary.items()}
        self.shares = dict(shares)
        found = {source: [row for row, one in enumerate(self.examples) if one.source == source] for source in shares}
        self._members = {source: rows for source, rows in found.items() if rows}
        weights = np.array([self.shares[source] for source in self._members], dtype=float)
        self._chances = weights / weights.sum()

    def __getitem__(self, index: int) -> Question:
        rng = np.random.default_rng([self.seed, _STREAM, index])
        source = list(self._members)[int(rng.choice(len(self._chances), p=self._chances))]
        example = self.examples[int(rng.choice(self._members[source]))]
        phrases, where = self._sentences(example, rng) if source == "scene" else self._names(example, rng)
        return Question(example, tuple(phrases), where, bool(rng.random() < 0.5))

    def _names(self, example: TextExample, rng: np.random.Generator) -> tuple[list[str], BoolArray]:
        """The classes that are marked, and some of those that the annotators would have marked."""
        absent = [name for name in self.vocabulary[example.source] if name not in example.phrases]
        others = rng.permutation(len(absent))[: self.negatives]
        where = np.concatenate([example.where(), np.zeros((len(others), example.side, example.side), dtype=bool)])
        return [*example.phrases, *(absent[i] for i in others)], where

    def _sentences(self, example: TextExample, rng: np.random.Generator) -> tuple[list[str], BoolArray]:
        """Many sentences, some about nothing that is there: an image costs a lot, a question about it little."""
        things, where, texts, masks = [name.split() for name in example.phrases], example.where(), [], []
        for _ in range(_SENTENCES):
            words = list(_sentence(things, rng))
            if rng.random() < _CHANGED:
                place = int(rng.integers(len(words)))
                words[place] = _other(words[place], rng)
            true_of = [set(words) <= set(thing) for thing in things]
            texts.append(" ".join(words))
            masks.append(where[true_of].any(axis=0) if any(true_of) else np.zeros(where.shape[1:], dtype=bool))
        return texts, np.stack(masks)

    def save(self, path: Path) -> None:
        """Keep the examples, for the next run on the same model."""
        rows = [
            (
                one.features,
                one.fine,
                one.deep,
                one.pixels,
                one.phrases,
                torch.from_numpy(one.masks),
                one.source,
                one.content,
            )
            for one in self.examples
        ]
        said = {"rows": rows, "vocabulary": self.vocabulary, "shares": self.shares, "model_key": self.model_key}
        with atomic_file(path) as partial:
            torch.save(said, partial)

    @classmethod
    def load(cls, path: Path, *, model_key: str, seed: int = 0) -> ExampleSet:
        """Read what :meth:`save` wrote.

        Raises:
            CheckpointError: images that another model encoded.
        """
        said = torch.load(path, weights_only=True)
        if said["model_key"] != model_key:
            raise CheckpointError(
                f"{path}: encoded by the weights {said['model_key'][:16]}, and the model is {model_key[:16]}. "
                "Delete it."
            )
        examples = [
            TextExample(features, fine, deep, pixels, tuple(phrases), masks.numpy(), source, tuple(content))
            for features, fine, deep, pixels, phrases, masks, source, content in said["rows"]
        ]
        return cls(examples, said["vocabulary"], said["shares"], model_key=model_key, seed=seed)


def collate_questions(questions: Sequence[Question]) -> Batch:
    """Questions about several images as one batch."""
    side, width = questions[0].example.side, max(len(one.phrases) for one in questions)
    masks = torch.zeros(len(questions), width, side, side)
    judged = torch.zeros(len(questions), width, dtype=torch.bool)
    content = torch.zeros(len(questions), 1, side, side)
    for row, one in enumerate(questions):
        masks[row, : len(one.phrases)] = torch.from_numpy(one.where)
        judged[row, : len(one.phrases)] = True
        height, across = one.example.content
        content[row, :, :height, :across] = 1
    features = torch.stack([one.example.features for one in questions]).float()
    fine = torch.stack([one.example.fine for one in questions]).float()
    deep = torch.stack([one.example.deep for one in questions]).float()
    pixels = as_pixels(torch.stack([one.example.pixels for one in questions]), content)
    mirrored = torch.tensor([one.mirrored for one in questions])
    for tensor in (features, fine, deep, pixels, masks, content):
        tensor[mirrored] = tensor[mirrored].flip(-1)
    return Batch(features, fine, deep, pixels, tuple(one.phrases for one in questions), masks, judged, content)


def _sentence(things: Sequence[Sequence[str]], rng: np.random.Generator) -> tuple[str, ...]:
    return draw_query([tuple(thing) for thing in things], rng)


def _other(word: str, rng: np.random.Generator) -> str:
    """Another word of the same kind."""
    kind = next(kind for kind in WORDS if word in kind)
    return str(rng.choice([one for one in kind if one != word]))
