"""Objects that are written down: each by its box, its points, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from sampipe.errors import DataError
from sampipe.graph import Node
from sampipe.graph.names import did_you_mean, listed
from sampipe.types import Prompts

_KEYS = ("box", "points", "not_points", "label")


class ObjectPrompts(Node):
    """Objects, each asked for by a box, by points on it, by points that are not on it, or by all of them.

    Args:
        objects: a mapping for each, such as ``{"box": [40, 30, 200, 180], "points": [[90, 80]], "not_points": [],
            "label": "cup"}``; a box or one point is enough. Pixels of the original image, boxes half-open.

    Raises:
        DataError: an object without box and point, an unknown key, or numbers that do not fit.
    """

    objects: Annotated[
        Sequence[Mapping[str, Any]],
        Field(description="a list of mappings, such as [{'points': [[90, 80]], 'label': 'cup'}]"),
    ]

    def __post_init__(self) -> None:
        self.run()

    def run(self) -> Prompts:
        made = [_object(index, one, self.type_id) for index, one in enumerate(self.objects)]
        return Prompts.concat(made) if made else Prompts.empty()


def _object(index: int, fields: Mapping[str, Any], source: str) -> Prompts:
    where = f"ObjectPrompts, object {index}"
    for key in fields:
        if key not in _KEYS:
            raise DataError(f"{where}: {key!r} is not one of {listed(_KEYS)}.{did_you_mean(key, _KEYS)}")
    try:
        return Prompts.object(**fields, source=source)
    except DataError as error:
        raise DataError(f"{where}: {error}.") from error
