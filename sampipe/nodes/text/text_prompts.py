"""Vectors as prompts: the paper's text prompt."""

from __future__ import annotations

import numpy as np

from sampipe.graph import Node
from sampipe.types import Embedding, Prompts


class TextPrompts(Node):
    """Text vectors as prompts for a model with a text token (paper, section 7.5).

    Alone, each phrase is one object. With ``prompts``, a single phrase goes to every object of them; of several phrases
    each object gets the one that is its label, and an object with another label goes on without text. A point or a box
    beside the text mends what the text alone gets wrong (paper, figure 12).
    """

    def run(self, text: Embedding, prompts: Prompts | None = None) -> Prompts:
        phrases = text.texts or tuple(f"text {row}" for row in range(len(text)))
        if prompts is None:
            rows = np.arange(len(text), dtype=np.int64)
            alone = Prompts(labels=phrases, class_ids=rows, source=(self.type_id,) * len(text))
            return alone.with_text(text)
        rows = _rows(phrases, prompts)
        nothing = np.full((1, text.vectors.shape[1]), np.nan, dtype=np.float32)
        vectors = np.concatenate([text.vectors, nothing])[rows]  # row -1 is the last
        labels = prompts.labels or ("",) * len(prompts)
        return prompts.replace(
            labels=tuple(phrases[row] if row >= 0 else label for row, label in zip(rows, labels, strict=True)),
            class_ids=rows,
            text=vectors,
            text_space=text.model,
        )


def _rows(phrases: tuple[str, ...], prompts: Prompts) -> np.ndarray:
    """Which phrase each object is of, -1 for none of them."""
    if len(phrases) == 1:
        return np.zeros(len(prompts), np.int64)
    where = {phrase: row for row, phrase in enumerate(phrases)}
    labels = prompts.labels or ("",) * len(prompts)
    return np.array([where.get(label, -1) for label in labels], dtype=np.int64)
