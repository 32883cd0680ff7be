"""What to look for, in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sampipe.errors import DataError

MAX_CHARACTERS = 300
"""Of one phrase. CLIP reads 77 tokens; a longer phrase would be cut without notice."""
MAX_PHRASES = 2000
# Commas, semicolons and line breaks in any script; a full stop where a sentence would end ("dog . cat .", as
# GroundingDINO is prompted), but not in "2.5" nor after an abbreviation such as "St." or "U.S.".
_SEPARATORS = re.compile(
    r"[,;\n\r\u2028\u2029\u060c\u061b\u3001\u3002\uff0c\uff1b]|(?<![A-Z])(?<!\b[A-Z][a-z])\.(?=\s|$)"
)


@dataclass(frozen=True)
class Text:
    """One or several phrases, each naming something to look for.

    White space is collapsed, Unicode is composed (NFC), and repeated phrases count once. A phrase may be in any script;
    a model that does not understand it says so.

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
        phrases = tuple(dict.fromkeys(_tidy(phrase) for phrase in given))
        if not phrases:
            raise DataError("text: nothing was asked for; give at least one phrase, such as 'a wheel'")
        if len(phrases) > MAX_PHRASES:
            raise DataError(f"text: got {len(phrases):,} phrases, wanted at most {MAX_PHRASES:,}; split the list")
        object.__setattr__(self, "phrases", phrases)

    @classmethod
    def of(cls, words: str | Sequence[str]) -> Text:
        """From phrases, or from one string that holds several: ``"a wheel, a dog"``.

        Commas, semicolons, line breaks and full stops (``"dog . cat ."``) separate the phrases of a string.
        """
        if not isinstance(words, str):
            return cls(tuple(words))
        return cls(tuple(part for part in _SEPARATORS.split(words) if part.strip()) or (words,))

    def __len__(self) -> int:
        return len(self.phrases)

    def __str__(self) -> str:
        return ", ".join(self.phrases)


def _tidy(phrase: str) -> str:
    try:
        phrase.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"text: {phrase[:40]!r} is not valid Unicode ({error.reason})") from error
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in phrase)
    tidied = " ".join(unicodedata.normalize("NFC", plain).split())
    if not tidied:
        raise DataError("text: an empty phrase asks for nothing; write what to look for, such as 'a wheel'")
    if len(tidied) > MAX_CHARACTERS:
        raise DataError(
            f"text: a phrase of {len(tidied):,} characters ({tidied[:40]!r}...), wanted at most {MAX_CHARACTERS}: "
            "name the thing in a few words, and separate phrases by commas"
        )
    return tidied
