"""Phrases as words that a small vocabulary may know."""

from __future__ import annotations

import re

_ARTICLES = ("a", "an", "the", "some", "any", "my", "your", "this", "that")
_FRAMES = re.compile(r"^(?:(?:a |the )?(?:photo|picture|image|photograph) of )")
_IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "knives": "knife",
    "loaves": "loaf",
    "leaves": "leaf",
    "scarves": "scarf",
    "shelves": "shelf",
}


def bare(phrase: str) -> str:
    """``"A photo of the Dogs."`` as ``"dogs"``: lower case, no frame, no article, words and hyphens only."""
    words = re.sub(r"[^\w\s'-]|_", " ", phrase.casefold())
    words = _FRAMES.sub("", " ".join(words.split()))
    first, _, rest = words.partition(" ")
    return rest if first in _ARTICLES and rest else words


def singulars(word: str) -> list[str]:
    """The word itself, and what it may be the plural of; the likeliest first."""
    guesses = [word]
    if word in _IRREGULAR:
        guesses.append(_IRREGULAR[word])
    if word.endswith("ies") and len(word) > 4:
        guesses.append(word[:-3] + "y")
    if word.endswith("es") and len(word) > 3:
        guesses += [word[:-1], word[:-2]]
    elif word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        guesses.append(word[:-1])
    return guesses
