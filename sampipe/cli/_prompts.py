"""``--box``, ``--point`` and ``--object`` on the command line become Prompts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sampipe.types import Prompts


def parse_box(text: str) -> tuple[float, float, float, float]:
    """``x1,y1,x2,y2`` in pixels."""
    numbers = _numbers(text)
    if len(numbers) != 4:
        raise typer.BadParameter(f"got {text!r}, wanted x1,y1,x2,y2 in pixels, such as 40,30,200,180")
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def parse_point(text: str) -> tuple[float, float, int]:
    """``x,y`` or ``x,y,1`` for the object, ``x,y,0`` for what is not the object."""
    numbers = _numbers(text)
    if len(numbers) == 2:
        return (numbers[0], numbers[1], 1)
    if len(numbers) == 3 and numbers[2] in (0, 1):
        return (numbers[0], numbers[1], int(numbers[2]))
    raise typer.BadParameter(f"got {text!r}, wanted x,y or x,y,1 (the object) or x,y,0 (not the object)")


def parse_object(text: str) -> Prompts:
    """``box=x1,y1,x2,y2 +x,y -x,y label=a name``: a box, clicks on the object (+) and beside it (-), and its name."""
    from sampipe.errors import DataError
    from sampipe.types import Prompts

    what, _, label = text.partition("label=")
    box: tuple[float, ...] | None = None
    clicks: dict[str, list[list[float]]] = {"+": [], "-": []}
    for word in what.split():
        if word.startswith("box="):
            box = parse_box(word.removeprefix("box="))
        elif word[0] in clicks and len(point := _numbers(word[1:])) == 2:
            clicks[word[0]].append(point)
        else:
            raise typer.BadParameter(
                f"got {word!r} in {text!r}, wanted box=x1,y1,x2,y2, +x,y (on the object), -x,y (not on it), label=NAME"
            )
    try:
        return Prompts.object(box, clicks["+"], clicks["-"], label=label.strip() or None, source="command line")
    except DataError as error:
        raise typer.BadParameter(f"{text!r}: {error}") from error


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        return []
    return numbers if all(math.isfinite(number) for number in numbers) else []


def prompts_from(boxes: Sequence[str], points: Sequence[str], objects: Sequence[str] = ()) -> Prompts:
    """One object for each box and each of ``objects``; all points are one object, with the box if there is just one.

    Raises:
        typer.BadParameter: words that are no box or point, or points beside several boxes.
    """
    import numpy as np

    from sampipe.types import Prompts

    if points and len(boxes) > 1:
        raise typer.BadParameter(
            f"got {len(boxes)} boxes and {len(points)} points: which box do the points belong to? "
            "Give points alone or points with one box (one object), or boxes alone (an object each)."
        )
    if points and not boxes and all(parse_point(text)[2] == 0 for text in points):
        raise typer.BadParameter("every --point says what is not the object; add one on the object: --point x,y")
    xyxy = np.array([parse_box(text) for text in boxes], dtype=np.float32).reshape(-1, 4)
    clicks = np.array([parse_point(text) for text in points], dtype=np.float32).reshape(1, -1, 3)
    count = 1 if points else len(boxes)
    plain = Prompts(
        points=clicks[:, :, :2] if points else None,
        point_labels=clicks[:, :, 2].astype(np.int8) if points else None,
        boxes=xyxy if boxes else None,
        source=("command line",) * count,
    )
    return Prompts.concat([plain, *map(parse_object, objects)])
