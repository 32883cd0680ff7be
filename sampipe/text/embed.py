"""Phrases to an :class:`Embedding`: templates, and a cache of vectors on disk by (model digest, text)."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sampipe._files import atomic_file
from sampipe.graph.run.events import count
from sampipe.text import words
from sampipe.text.clip import TextTower
from sampipe.types import Embedding
from sampipe.types._arrays import FloatArray

TEMPLATES = ("a {}", "a photo of a {}.", "a photo of the {}.", "there is a {} in the picture.")
"""Sentences whose mean stands for a phrase (Radford et al. 2021, section 3.1.4), a few of them."""


def embed_phrases(tower: TextTower, phrases: Sequence[str], templates: Sequence[str] = TEMPLATES) -> Embedding:
    """One unit vector a phrase: the mean over the templates.

    The words inside the package know phrases, not sentences: for them templates count for nothing.

    Args:
        tower: the text tower.
        phrases: at least one.
        templates: sentences with ``{}`` where the phrase goes.

    Raises:
        DataError: a phrase that the tower cannot read.
    """
    forms = ("{}",) if tower.name == words.NAME else tuple(templates)
    sentences = [form.replace("{}", _without_article(phrase, form)) for phrase in phrases for form in forms]
    vectors = _cached(tower, sentences).reshape(len(phrases), len(forms), -1).mean(axis=1)
    return Embedding.normalized(vectors, model=tower.space, texts=tuple(phrases))


def cache_folder() -> Path:
    """Where vectors are kept: ``~/.cache/sampipe/text``, under ``XDG_CACHE_HOME`` where that is set."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sampipe" / "text"


def _without_article(phrase: str, form: str) -> str:
    """``"a dog"`` in ``"a photo of a {}."`` would say the article twice."""
    first, _, rest = phrase.partition(" ")
    twice = rest and first.casefold() in ("a", "an", "the") and form.split("{")[0].rstrip().endswith(("a", "the"))
    return rest if twice else phrase


def _cached(tower: TextTower, sentences: Sequence[str]) -> FloatArray:
    if tower.name == words.NAME:  # quicker than any disk
        return tower.encode_texts(sentences)
    folder = cache_folder() / tower.digest
    found = {sentence: _read(_path(folder, sentence)) for sentence in dict.fromkeys(sentences)}
    missing = [sentence for sentence, vector in found.items() if vector is None]
    count("text_cache_hits", len(found) - len(missing))
    if missing:
        count("text_cache_misses", len(missing))
        made = dict(zip(missing, tower.encode_texts(missing), strict=True))
        _write(folder, made)
        found.update(made)
    return np.stack([vector for sentence in sentences if (vector := found[sentence]) is not None])


def _path(folder: Path, sentence: str) -> Path:
    return folder / f"{hashlib.blake2b(sentence.encode(), digest_size=16).hexdigest()}.npy"


def _read(path: Path) -> FloatArray | None:
    try:
        vector = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):  # a damaged file is as good as none: it is made again and replaced
        count("text_cache_damaged")
        return None
    whole = vector.ndim == 1 and vector.dtype == np.float32 and bool(np.isfinite(vector).all())
    return vector if whole else None


def _write(folder: Path, vectors: dict[str, FloatArray]) -> None:
    try:
        for sentence, vector in vectors.items():
            with atomic_file(_path(folder, sentence)) as partial, partial.open("wb") as file:
                np.save(file, vector, allow_pickle=False)
    except OSError as error:  # a read-only home must not keep anybody from working
        warnings.warn(f"text vectors could not be kept in {folder}: {error}", stacklevel=2)
