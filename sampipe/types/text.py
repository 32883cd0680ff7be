"""What to look for, in words."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sampipe.errors import DataError

MAX_CHARACTERS = 300
"""Of one phrase: CLIP reads 77 tokens, and what it does not read must not look as if it had been."""
MAX_PHRASES = 2000


@dataclass(frozen=True)
class Text:
    """One or several phrases, each of which names something to look for.

    Spaces are tidied, Unicode is composed (NFC), and a phrase that comes twice counts once. Any script and any
    character may be in a phrase; whether a model understands it is for the model to say.

    Args:
        phrases: one to 2,000 of them, each of 1 to 300 characters.

    Raises:
        DataError: no phrase, an empty, overlong or unreadable one, or too many.
    """

    phrases: tuple[str, ...]

    def __post_init__(self) -> None:
        given = self.phrases
        if isinstance(given, str) or not all(isinstance(phrase, str) for phrase in given):
            raise DataError(f"phrases: got {str(given)[:60]!r}, wanted a list of them; Text.of takes a single string")
        tidied = tuple(dict.fromkeys(_tidy(phrase) for phrase in given))
        if not tidied:
            raise DataError("text: nothing was asked for; give at least one phrase, such as 'a wheel'")
        if len(tidied) > MAX_PHRASES:
            raise DataError(f"text: got {len(tidied):,} phrases, wanted at most {MAX_PHRASES:,}; split the list")
        object.__setattr__(self, "phrases", tidied)

    @classmethod
    def of(cls, words: str | Sequence[str]) -> Text:
        """From phrases, or from one string with commas between them: ``"a wheel, a dog"``."""
        if not isinstance(words, str):
            return cls(tuple(words))
        return cls(tuple(part for part in words.split(",") if part.strip()) or (words,))

    def __len__(self) -> int:
        return len(self.phrases)

    def __str__(self) -> str:
        return ", ".join(self.phrases)


def _tidy(phrase: str) -> str:
    try:
        phrase.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"text: {phrase[:40]!r} is no Unicode text ({error.reason})") from error
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in phrase)
    tidied = " ".join(unicodedata.normalize("NFC", plain).split())
    if not tidied:
        raise DataError("text: an empty phrase asks for nothing; write what to look for, such as 'a wheel'")
    if len(tidied) > MAX_CHARACTERS:
        raise DataError(
            f"text: a phrase of {len(tidied):,} characters ({tidied[:40]!r}...), wanted at most {MAX_CHARACTERS}: "
            "name the thing in a few words. Phrases are separated by commas."
        )
    return tidied
