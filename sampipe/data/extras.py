"""What foreign rows say beside the fields that we know."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from sampipe.data.schema import Row, checked_text, refuse


def extra_fields(row: Row, known: Iterable[str]) -> dict[str, Any]:
    """What a row has besides the fields that we know.

    Raises:
        DataError: a number in it is NaN or infinite, or a text is no Unicode, which no file could hold.
    """
    left = set(known)
    found = {key: value for key, value in row.value.items() if key not in left}
    todo = [(f"{row.place}: {key}", value) for key, value in found.items()]
    while todo:  # without recursion: JSON may be nested deeply
        place, value = todo.pop()
        if isinstance(value, float) and not math.isfinite(value):
            refuse(place, value, "a finite number")
        elif isinstance(value, str):
            checked_text(value, place)
        elif isinstance(value, dict):
            todo += [(f"{place}: {key}", one) for key, one in value.items()]
        elif isinstance(value, list):
            todo += [(f"{place}[{index}]", one) for index, one in enumerate(value)]
    return found
