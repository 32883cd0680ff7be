"""What hosts share that are called again and again with words: the graph that answers them, kept."""

from __future__ import annotations

import functools

import sampipe as sp
from sampipe.nodes.text.pipelines import text_graph
from sampipe.text.modes import choose_mode


@functools.lru_cache(maxsize=2)
def graph_of_words(words: str, model: str, device: str) -> sp.Graph:
    """From an image to named masks; the two that were asked last are kept, with their models loaded.

    Args:
        words: phrases with commas between them.
        model, device: of the Segment Anything model; without words of its own (sam3) it needs a text head (nano).

    Raises:
        DataError: no phrase, a word that nobody knows, or a model that answers none.
    """
    phrases = sp.Text.of(words).phrases
    mode = choose_mode(phrases, model=model, mode=None, clip=None, detector=False)
    return text_graph(mode, phrases, model=model, device=device)
