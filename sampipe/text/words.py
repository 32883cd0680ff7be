"""The text encoder inside the package: common nouns to vectors of CLIP ViT-B/32, without a download.

A phrase is its last word plus what the words before it add. The parts were fitted to published CLIP vectors of the
names of COCO and LVIS and their synonyms (``sampipe train words``), so those names come out as the real text tower
gives them, and short phrases of their words come near. A word that was not in any of them is an error, never a guess.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sampipe.errors import CheckpointError, DataError
from sampipe.text.phrases import bare, singulars
from sampipe.types._arrays import FloatArray

NAME = "words"
_FILE = Path(__file__).parent / "weights" / "words.safetensors"


class WordsEncoder:
    """Phrases to unit vectors.

    Args:
        center: (d,) the mean of all vectors.
        heads: for a word that ends a phrase, its row of ``head_vectors``.
        head_vectors: (k, d), what it adds to the centre.
        modifiers: for a word before the last, its row of ``modifier_vectors``.
        modifier_vectors: (m, d).
        space: the CLIP space that the vectors are of.
        digest: of the file.
        own: words whose vectors are not CLIP's but were made for composed scenes.
        shapes: words before which a modifier has its sense of composed scenes, where it has one (``"+red"``).
    """

    name = NAME

    def __init__(
        self,
        *,
        center: FloatArray,
        heads: Mapping[str, int],
        head_vectors: FloatArray,
        modifiers: Mapping[str, int],
        modifier_vectors: FloatArray,
        space: str,
        digest: str,
        own: frozenset[str] = frozenset(),
        shapes: frozenset[str] = frozenset(),
    ) -> None:
        self.center, self.space, self.digest = center, space, digest
        self.own, self._shapes = own, shapes
        self._heads, self._head_vectors = heads, head_vectors
        self._modifiers, self._modifier_vectors = modifiers, modifier_vectors

    @property
    def vocabulary(self) -> list[str]:
        """The words that may end a phrase."""
        return sorted(self._heads)

    def knows(self, phrase: str) -> bool:
        """Whether every word of the phrase has a vector."""
        return not self._unknown(phrase)

    def encode_texts(self, phrases: Sequence[str]) -> FloatArray:
        """Unit vectors (n, d) of the phrases.

        Raises:
            DataError: words that this encoder does not know, with what to do.
        """
        unknown = {word: None for phrase in phrases for word in self._unknown(phrase)}
        if unknown:
            raise DataError(self._explain(list(unknown)))
        vectors = np.stack([self._vector(bare(phrase)) for phrase in phrases])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def _vector(self, phrase: str) -> FloatArray:
        *before, last = phrase.split()
        total = self.center + self._head_vectors[_row(self._heads, last)]
        for word in before:
            total = total + self._modifier_vectors[self._modifier_row(word, last)]
        return total

    def _modifier_row(self, word: str, last: str) -> int:
        senses = (f"+{word}", word) if last in self._shapes else (word, f"+{word}")
        return next((row for sense in senses if (row := _row(self._modifiers, sense)) >= 0), -1)

    def _unknown(self, phrase: str) -> list[str]:
        words = bare(phrase).split()
        if not words:  # signs and emoji only
            return [phrase]
        unknown = [] if _row(self._heads, words[-1]) >= 0 else [words[-1]]
        return unknown + [word for word in words[:-1] if self._modifier_row(word, words[-1]) < 0]

    def _explain(self, unknown: Sequence[str]) -> str:
        shown = ", ".join(map(repr, unknown[:5])) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        close = [one for word in unknown[:3] for one in difflib.get_close_matches(word, self._heads, n=2, cutoff=0.75)]
        hint = f" Did you mean {', '.join(map(repr, close[:4]))}?" if close else ""
        return (
            f"text: the small encoder inside sampipe does not know {shown}.{hint} It knows {len(self._heads):,} "
            "English nouns and their adjectives. For other words name a CLIP model: --clip ViT-B-32/openai on the "
            "command line, ClipText(clip='ViT-B-32/openai') in Python; or a detector that reads text: "
            "--detector grounding_dino."
        )


def _row(rows: Mapping[str, int], word: str) -> int:
    """The row of the word, or of what it is the plural of; -1 where there is none."""
    return next((rows[one] for one in singulars(word) if one in rows), -1)


@functools.cache
def load_words(path: Path = _FILE) -> WordsEncoder:
    """The encoder in the package, read once.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    from sampipe.models.weights.checkpoints import file_digest, read_checkpoint

    checkpoint = read_checkpoint(path)
    try:
        said = json.loads(checkpoint.metadata["sampipe_words"])
        tensors = {name: value.float().numpy() for name, value in checkpoint.tensors.items()}
        return WordsEncoder(
            center=tensors["center"],
            heads={word: row for row, word in enumerate(said["heads"])},
            head_vectors=tensors["heads"],
            modifiers={word: row for row, word in enumerate(said["modifiers"])},
            modifier_vectors=tensors["modifiers"],
            space=said["space"],
            digest=file_digest(path),
            own=frozenset(said["own"]),
            shapes=frozenset(said["shapes"]),
        )
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: not a file of word vectors ({error!r}). Install sampipe again.") from error
