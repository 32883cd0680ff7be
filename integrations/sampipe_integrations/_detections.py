"""What the detector nodes share: choosing classes, and boxes that become prompts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

import sampipe as sp

Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Threads = Annotated[int, Field(ge=0)]
Side = Annotated[int, Field(ge=1)]

ClassChoice = str | int | Sequence[str | int] | None
"""Which classes a detector keeps: names, ids, one of either, or None for all of them."""


def chosen_class_ids(classes: ClassChoice, names: Mapping[int, str]) -> list[int] | None:
    """The ids that ``classes`` means among ``names`` (id to name), or None for all.

    Raises:
        DataError: a name or id that the model does not have; the message lists those it has.
    """
    if classes is None:
        return None
    wanted = [classes] if isinstance(classes, (str, int)) else list(classes)
    return sorted({class_id for one in wanted for class_id in _ids_of(one, names)})


def _ids_of(wanted: str | int, names: Mapping[int, str]) -> list[int]:
    if isinstance(wanted, str):
        ids = [class_id for class_id, name in names.items() if name == wanted]
    else:
        ids = [wanted] if wanted in names else []
    if ids:
        return ids
    close = difflib.get_close_matches(str(wanted), names.values(), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    known = ", ".join(f"{class_id} {name}" for class_id, name in sorted(names.items()))
    raise sp.DataError(f"classes: the model has no class {wanted!r}.{hint} It has: {known}.")


def box_prompts(
    image: sp.Image,
    boxes: NDArray[np.floating],
    *,
    class_ids: NDArray[np.integer],
    names: Mapping[int, str],
    scores: NDArray[np.floating] | None,
    source: str,
) -> sp.Prompts:
    """Detections on ``image`` as prompts: boxes (n, 4) x0, y0, x1, y1 in its pixels, cut at its border."""
    prompts = sp.Prompts.from_boxes(
        boxes,
        labels=[names.get(int(class_id), str(int(class_id))) for class_id in class_ids],
        class_ids=class_ids,
        scores=scores,
        source=source,
    )
    return prompts.sanitize(image.hw)
