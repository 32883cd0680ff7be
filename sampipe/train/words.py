"""Fitting the small text encoder: word parts whose sums are the published vectors of names.

For a name of words w₁ … wₖ the model is center + head(wₖ) + Σ modifier(wᵢ); all parts together are one ridge
regression, solved in closed form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sampipe._files import atomic_file
from sampipe.errors import DataError
from sampipe.train.captioned import COLORS, PATTERNS, SHAPES, SIZES
from sampipe.types._arrays import FloatArray

SPACE = "ViT-B-32/openai"
_RIDGE, _SYNONYM_WEIGHT = 1e-3, 0.1
_CODE_LENGTH = 0.45  # of a scene word: about as far as nouns are from their mean


@dataclass(frozen=True)
class Names:
    """Phrases with unit vectors (n, d); ``weights`` (n,) say which are exact and which stand in for a synonym."""

    phrases: tuple[str, ...]
    vectors: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class WordParts:
    """What :func:`fit` finds."""

    center: FloatArray
    heads: dict[str, FloatArray]
    modifiers: dict[str, FloatArray]

    def vector(self, phrase: str) -> FloatArray | None:
        """The unit vector of a phrase; None where a word is missing."""
        *before, last = phrase.split()
        if last not in self.heads or any(word not in self.modifiers for word in before):
            return None
        total = self.center + self.heads[last] + sum((self.modifiers[word] for word in before), np.float32(0))
        return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def read_names(folder: str | Path) -> Names:
    """Names and vectors of a folder with ``*_names.json`` beside ``*_text.npy``, one row each.

    The first file that names a thing decides; synonyms come last and count little.

    Raises:
        DataError: no such files, or rows that do not fit.
    """
    exact: dict[str, FloatArray] = {}
    stand_in: dict[str, FloatArray] = {}
    files = sorted(Path(folder).glob("*_names.json"))
    if not files:
        raise DataError(f"{folder}: no *_names.json in it; wanted names beside *_text.npy, a row each")
    for file in files:
        rows = json.loads(file.read_text(encoding="utf-8"))
        [array_file] = Path(folder).glob(f"{file.name.removesuffix('_names.json')}_*.npy")
        vectors = np.load(array_file).astype(np.float32)
        if len(rows) != len(vectors):
            raise DataError(f"{file}: {len(rows)} names and {len(vectors)} vectors; wanted a row each")
        for row, vector in zip(rows, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), strict=True):
            exact.setdefault(_plain(row["name"]), vector)
            for synonym in row.get("synonyms", ()):
                stand_in.setdefault(_plain(synonym), vector)
    both = {**{name: vector for name, vector in stand_in.items() if name not in exact}, **exact}
    weights = [1.0 if name in exact else _SYNONYM_WEIGHT for name in both]
    return Names(tuple(both), np.stack(list(both.values())), np.array(weights, dtype=np.float32))


def _plain(name: str) -> str:
    """``"bus_(vehicle)"`` as ``"bus"``."""
    return " ".join(re.sub(r"_?\(.*\)", "", name).replace("_", " ").split()).casefold()


def fit(names: Names, *, ridge: float = _RIDGE) -> WordParts:
    """The parts that give the names' vectors, by weighted ridge regression."""
    heads = sorted({phrase.split()[-1] for phrase in names.phrases})
    modifiers = sorted({word for phrase in names.phrases for word in phrase.split()[:-1]})
    columns: Mapping[tuple[str, str], int] = {
        key: column
        for column, key in enumerate([("head", word) for word in heads] + [("modifier", word) for word in modifiers])
    }
    design = np.zeros((len(names.phrases), len(columns)), dtype=np.float32)
    for row, phrase in enumerate(names.phrases):
        *before, last = phrase.split()
        design[row, columns["head", last]] += 1
        for word in before:
            design[row, columns["modifier", word]] += 1
    center = np.average(names.vectors, axis=0, weights=names.weights).astype(np.float32)
    weighted = design * names.weights[:, None]
    normal = weighted.T @ design + ridge * np.eye(len(columns), dtype=np.float32)
    parts = np.linalg.solve(normal, weighted.T @ (names.vectors - center)).astype(np.float32)
    return WordParts(
        center,
        {word: parts[columns["head", word]] for word in heads},
        {word: parts[columns["modifier", word]] for word in modifiers},
    )


def with_scene_words(parts: WordParts, *, seed: int = 0) -> tuple[WordParts, tuple[str, ...]]:
    """The parts, and codes for the words of composed scenes that no name holds; returns which those are.

    No published vector says what "striped" adds to "ring", so such words get directions of their own, at right angles
    to each other, under the name ``"+striped"``. The real text tower does not share them.
    """
    rng = np.random.default_rng(seed)
    heads = [word for word in SHAPES if word not in parts.heads]
    modifiers = [*SIZES, *PATTERNS, *COLORS]
    count = len(heads) + len(modifiers)
    codes = np.linalg.qr(rng.normal(size=(len(parts.center), count)))[0].T.astype(np.float32) * _CODE_LENGTH
    extended = WordParts(
        parts.center,
        parts.heads | dict(zip(heads, codes, strict=False)),
        parts.modifiers | {f"+{word}": code for word, code in zip(modifiers, codes[len(heads) :], strict=True)},
    )
    return extended, (*heads, *modifiers)


def reproduction(parts: WordParts, names: Names) -> FloatArray:
    """The cosine of every exact name's vector with the fitted one, (n,)."""
    rows = [row for row in range(len(names.phrases)) if names.weights[row] == 1]
    fitted = [parts.vector(names.phrases[row]) for row in rows]
    return np.array([float(names.vectors[r] @ v) for r, v in zip(rows, fitted, strict=True) if v is not None])


def held_out(names: Names, *, folds: int = 10, seed: int = 0) -> FloatArray:
    """The same for names of several words that the fit never saw, where all their words occur elsewhere."""
    rng = np.random.default_rng(seed)
    several = [row for row, phrase in enumerate(names.phrases) if " " in phrase and names.weights[row] == 1]
    found: list[float] = []
    for fold in np.array_split(rng.permutation(several), folds):
        kept = np.setdiff1d(np.arange(len(names.phrases)), fold)
        part = fit(Names(tuple(names.phrases[i] for i in kept), names.vectors[kept], names.weights[kept]))
        for row in fold:
            vector = part.vector(names.phrases[row])
            if vector is not None:
                found.append(float(names.vectors[row] @ vector))
    return np.array(found, dtype=np.float32)


def save(parts: WordParts, own: tuple[str, ...], path: str | Path, *, notes: Mapping[str, str] | None = None) -> None:
    """Write the file that :func:`sampipe.text.words.load_words` reads."""
    import torch
    from safetensors.torch import save_file

    def stacked(rows: Mapping[str, FloatArray]) -> Any:
        return torch.from_numpy(np.stack(list(rows.values()))).half()

    said: dict[str, Any] = {"heads": list(parts.heads), "modifiers": list(parts.modifiers), "space": SPACE}
    said |= {"own": list(own), "shapes": list(SHAPES)}
    tensors = {
        "center": torch.from_numpy(parts.center).half(),
        "heads": stacked(parts.heads),
        "modifiers": stacked(parts.modifiers),
    }
    with atomic_file(path) as partial:
        save_file(tensors, partial, metadata={**(notes or {}), "sampipe_words": json.dumps(said)})
