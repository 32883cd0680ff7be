"""Time, compared fairly: everybody on the same pictures with all their objects, encoders counted, warm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampipe.eval.contest import MODEL, prefix


def speed_summary(measured: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Seconds by entrant: an image with all its objects, an object, and an image with ten objects.

    The images with ten objects are those that have as many or more; of more, ten are asked about. They are named.
    ``times_faster_than_NAME`` is a competitor's seconds over the model's, on those images where there are any.
    """
    objects = sum(len(one["rows"]) for one in measured)
    tens = [one for one in measured if one["seconds"][MODEL]["ten"] is not None]
    summary: dict[str, Any] = {"images_with_10_objects": [one["rows"][0]["image"] for one in tens]}
    compared = {}
    for name in names:
        every = sum(one["seconds"][name]["all"] for one in measured)
        summary[f"{prefix(name)}seconds_per_image"] = every / len(measured)
        summary[f"{prefix(name)}seconds_per_object"] = every / objects
        ten = sum(one["seconds"][name]["ten"] for one in tens)
        summary[f"{prefix(name)}seconds_with_10_objects"] = ten / len(tens) if tens else None
        compared[name] = ten if tens else every
    for name in names:
        if name != MODEL:
            summary[f"times_faster_than_{name}"] = compared[name] / compared[MODEL]
    return summary
