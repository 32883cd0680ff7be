"""Numbers and names as a sentence has them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_IRREGULAR = {"person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "foot": "feet"}


def count(number: int, thing: str) -> str:
    """``"1 image"``, ``"2 images"``."""
    return f"{number} {thing if number == 1 else plural(thing)}"


def counted_labels(labels: Mapping[str, int], *, thing: str = "object") -> str:
    """``"3 chairs, 1 dog"``, the most frequent first; those without a name are objects, or a bare number.

    Args:
        labels: how many of each name; "" is none.
        thing: what the nameless are called; "" leaves their number alone.
    """
    named = [(name, number) for name, number in labels.items() if name]
    parts = [count(number, name) for name, number in sorted(named, key=lambda one: (-one[1], one[0]))]
    nameless = labels.get("", 0)
    if nameless or not parts:
        parts.append(count(nameless, thing) if thing else str(nameless))
    return ", ".join(parts)


def plural(thing: str) -> str:
    """Of the last word."""
    before, space, last = thing.rpartition(" ")
    if last in _IRREGULAR:
        return f"{before}{space}{_IRREGULAR[last]}"
    if re.search(r"(s|x|z|ch|sh)$", last):
        return f"{thing}es"
    return f"{thing[:-1]}ies" if re.search(r"[^aeiou]y$", last) else f"{thing}s"
