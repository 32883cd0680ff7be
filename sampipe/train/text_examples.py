"""What a text head learns from: encoded pictures, with phrases and where they are.

The encoder is frozen, so a picture is encoded once and kept; the head then trains on what is kept, many times faster
than any photo could be decoded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sampipe._files import whole_file
from sampipe.errors import CheckpointError
from sampipe.models.text_head import as_pixels
from sampipe.train.captioned import WORDS, draw_query
from sampipe.types._arrays import BoolArray, UInt8Array

_SENTENCES = 20  # about a composed scene
_CHANGED = 0.4  # share of them with one word exchanged for another


@dataclass(frozen=True)
class Example:
    """One encoded picture.

    Attributes:
        features: (channels, s, s) float16.
        fine: (channels, 2 s, 2 s) float16; no channels where the model has no finer map.
        pixels: uint8 (3, 8 s, 8 s), the picture at half its size.
        phrases: what is on it; for a composed scene the full name of each thing.
        masks: uint8 (k, 2 s * 2 s / 8): where, packed bits.
        source: which vocabulary its annotators had; "scene" for composed scenes.
        content: rows and columns of the map that hold picture.
    """

    features: Tensor
    fine: Tensor
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
    """Pictures with as many phrases each.

    Attributes:
        features, fine: (b, channels, s, s) and (b, channels, 2 s, 2 s).
        pixels: (b, 3, 8 s, 8 s), as the head takes them.
        text: indices (b, n) into the trainer's phrases.
        masks: (b, n, 2 s, 2 s).
        judged: (b, n): whether the annotators would have marked the phrase.
        content: (b, 1, 2 s, 2 s): where there is picture.
    """

    features: Tensor
    fine: Tensor
    pixels: Tensor
    text: Tensor
    masks: Tensor
    judged: Tensor
    content: Tensor


class ExampleSet:
    """Examples and their vocabularies, drawn in batches.

    Args:
        examples: the examples.
        vocabulary: for each source all phrases that its annotators marked wherever they saw them.
        shares: how often each source is drawn.
        negatives: phrases a picture that are not on it.
        model_key: digest of the model that encoded.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        vocabulary: Mapping[str, Sequence[str]],
        shares: Mapping[str, float],
        *,
        model_key: str,
        negatives: int = 14,
    ) -> None:
        self.examples, self.negatives, self.model_key = list(examples), negatives, model_key
        self.vocabulary = {source: tuple(names) for source, names in vocabulary.items()}
        self.shares = dict(shares)
        self.phrases: list[str] = []
        self._numbers: dict[str, int] = {}
        self._members = {
            source: [row for row, example in enumerate(self.examples) if example.source == source] for source in shares
        }

    def number(self, phrase: str) -> int:
        """The phrase's index; new ones are added."""
        if phrase not in self._numbers:
            self._numbers[phrase] = len(self.phrases)
            self.phrases.append(phrase)
        return self._numbers[phrase]

    def draw(self, count: int, rng: np.random.Generator) -> Batch:
        """A batch of all sources, mirrored or not.

        Mixed, since the head's norms see a batch when it learns and all sources' mean when it is used.
        """
        sources = [source for source, members in self._members.items() if members]
        shares = np.array([self.shares[source] for source in sources], dtype=float)
        chosen = rng.choice(len(sources), size=count, p=shares / shares.sum())
        drawn = [self.examples[int(rng.choice(self._members[sources[one]]))] for one in chosen]
        asked = [self._scene(one, rng) if one.source == "scene" else self._photo(one, rng) for one in drawn]
        width = max(len(texts) for texts, _ in asked)
        text = torch.zeros(count, width, dtype=torch.long)
        side = drawn[0].side
        masks = torch.zeros(count, width, side, side)
        judged = torch.zeros(count, width, dtype=torch.bool)
        content = torch.zeros(count, 1, side, side)
        for row, (texts, where) in enumerate(asked):
            text[row, : len(texts)] = torch.tensor(texts)
            masks[row, : len(texts)] = torch.from_numpy(where)
            judged[row, : len(texts)] = True
            height, across = drawn[row].content
            content[row, :, :height, :across] = 1
        features = torch.stack([one.features for one in drawn]).float()
        fine = torch.stack([one.fine for one in drawn]).float()
        pixels = as_pixels(torch.stack([one.pixels for one in drawn]), content)
        mirrored = torch.from_numpy(rng.random(count) < 0.5)
        for tensor in (features, fine, pixels, masks, content):
            tensor[mirrored] = tensor[mirrored].flip(-1)
        return Batch(features, fine, pixels, text, masks, judged, content)

    def _photo(self, example: Example, rng: np.random.Generator) -> tuple[list[int], BoolArray]:
        absent = [name for name in self.vocabulary[example.source] if name not in example.phrases]
        others = rng.permutation(len(absent))[: self.negatives]
        names = [*example.phrases, *(absent[i] for i in others)]
        where = np.concatenate([example.where(), np.zeros((len(others), example.side, example.side), dtype=bool)])
        return [self.number(name) for name in names], where

    def _scene(self, example: Example, rng: np.random.Generator) -> tuple[list[int], BoolArray]:
        """Many sentences, some about nothing that is there: a picture costs a lot, a question about it little."""
        things, where, texts, masks = [name.split() for name in example.phrases], example.where(), [], []
        for _ in range(_SENTENCES):
            words = list(_sentence(things, rng))
            if rng.random() < _CHANGED:
                place = int(rng.integers(len(words)))
                words[place] = _other(words[place], rng)
            true_of = [set(words) <= set(thing) for thing in things]
            texts.append(self.number(" ".join(words)))
            masks.append(where[true_of].any(axis=0) if any(true_of) else np.zeros(where.shape[1:], dtype=bool))
        return texts, np.stack(masks)

    def save(self, path: Path) -> None:
        """Keep the examples, for the next run on the same model."""
        rows = [
            (one.features, one.fine, one.pixels, one.phrases, torch.from_numpy(one.masks), one.source, one.content)
            for one in self.examples
        ]
        said = {"rows": rows, "vocabulary": self.vocabulary, "shares": self.shares, "model_key": self.model_key}
        with whole_file(path) as partial:
            torch.save(said, partial)

    @classmethod
    def load(cls, path: Path, *, model_key: str) -> ExampleSet:
        """Read what :meth:`save` wrote.

        Raises:
            CheckpointError: pictures that another model encoded.
        """
        said = torch.load(path, weights_only=True)
        if said["model_key"] != model_key:
            raise CheckpointError(
                f"{path}: encoded by the weights {said['model_key'][:16]}, and the model is {model_key[:16]}. "
                "Delete it."
            )
        examples = [
            Example(features, fine, pixels, tuple(phrases), masks.numpy(), source, tuple(content))
            for features, fine, pixels, phrases, masks, source, content in said["rows"]
        ]
        return cls(examples, said["vocabulary"], said["shares"], model_key=model_key)


def _sentence(things: Sequence[Sequence[str]], rng: np.random.Generator) -> tuple[str, ...]:
    return draw_query([tuple(thing) for thing in things], rng)


def _other(word: str, rng: np.random.Generator) -> str:
    """Another word of the same kind."""
    kind = next(kind for kind in WORDS if word in kind)
    return str(rng.choice([one for one in kind if one != word]))
