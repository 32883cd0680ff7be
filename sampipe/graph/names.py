"""Names in messages: what is close to a mistyped one, and how classes are spelled in a graph."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def snake_case(name: str) -> str:
    """``"YOLOXDetector"`` → ``"yolox_detector"``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return words.lower()


def listed(names: Iterable[str]) -> str:
    """``"a, b"``, or ``"nothing"``."""
    return ", ".join(names) or "nothing"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` (with the leading space), or nothing when no name is close."""
    by_fold = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=3, cutoff=0.6)
    if not close:
        return ""
    return f" Did you mean {' or '.join(repr(by_fold[one]) for one in close)}?"


def numbered(name: str, taken: Iterable[str]) -> str:
    """``name``, or ``name_2``, ``name_3``… when it is taken."""
    taken = set(taken)
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate
