"""Parameter checks that node classes share: what was given, what was wanted."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from sampipe.errors import DataError
from sampipe.types import Image, Masks


def check_number(
    node: object,
    name: str,
    *,
    least: float | None = None,
    most: float | None = None,
    whole: bool = False,
    optional: bool = False,
) -> None:
    """The parameter is a finite number between ``least`` and ``most``, both allowed.

    Args:
        whole: only integers.
        optional: None is allowed as well.

    Raises:
        DataError: it is not.
    """
    value = getattr(node, name)
    if value is None and optional:
        return
    kinds = int if whole else (int, float)
    fits = (
        isinstance(value, kinds)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (least is None or value >= least)
        and (most is None or value <= most)
    )
    if not fits:
        _refuse(node, name, value, _number_in_words(least, most, whole) + (" or null" if optional else ""))


def check_choice(node: object, name: str, choices: Collection[Any]) -> None:
    """The parameter is one of ``choices``.

    Raises:
        DataError: it is not.
    """
    value = getattr(node, name)
    if value not in choices:
        _refuse(node, name, value, "one of " + ", ".join(repr(choice) for choice in choices))


def check_text(node: object, name: str, *, what: str, optional: bool = False) -> None:
    """The parameter is a non-empty string: ``what`` says of which kind.

    Raises:
        DataError: it is not.
    """
    value = getattr(node, name)
    if value is None and optional:
        return
    if not isinstance(value, str) or not value.strip():
        _refuse(node, name, value, what + (" or null" if optional else ""))


def check_names(node: object, name: str, *, optional: bool = True) -> None:
    """The parameter is a list of strings (one lone string is the usual slip).

    Raises:
        DataError: it is not.
    """
    value = getattr(node, name)
    if value is None and optional:
        return
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        _refuse(node, name, value, "a list of names, such as ['cat', 'dog']" + (" or null" if optional else ""))


def check_same_size(node: object, image: Image, masks: Masks) -> None:
    """The masks are of this image's size.

    Raises:
        DataError: they are not.
    """
    if masks.hw != image.hw:
        raise DataError(
            f"{type(node).__name__}: masks of {masks.hw[1]}x{masks.hw[0]} pixels for an image of "
            f"{image.width}x{image.height}; wanted masks of this image."
        )


def _number_in_words(least: float | None, most: float | None, whole: bool) -> str:
    kind = "a whole number" if whole else "a number"
    if least is not None and most is not None:
        return f"{kind} from {least:g} to {most:g}"
    if least is not None:
        return f"{kind}, at least {least:g}"
    if most is not None:
        return f"{kind}, at most {most:g}"
    return kind


def _refuse(node: object, name: str, value: object, wanted: str) -> None:
    given = repr(value)
    if len(given) > 60:
        given = given[:57] + "..."
    raise DataError(f"{type(node).__name__}: {name}={given} does not fit; wanted {wanted}.")
