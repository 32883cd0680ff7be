"""Competitors by the names they have on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sampipe.errors import DataError
from sampipe.eval import classical
from sampipe.eval.answers import Competitor
from sampipe.graph.registry import load_entry, points

BUILT_IN: dict[str, Callable[[], Competitor]] = {
    "ellipse": classical.ellipse,
    "grabcut": classical.grabcut,
    "wand": classical.wand,
}
GROUP = "sampipe.competitors"
"""Entry points of this group are functions that make a competitor of the text after the colon: ``onnx:ritm.onnx``."""


Rivals = Sequence[str] | Mapping[str, Competitor]
"""Names of competitors, or competitors by names of one's own."""


def competitors(rivals: Rivals, prompt: str) -> dict[str, Competitor]:
    """The competitors that are meant, in this order.

    Args:
        rivals: ``"ellipse"``, ``"grabcut"``, ``"wand"``, or an installed one with its argument (``"onnx:ritm.onnx"``);
            or competitors by name.
        prompt: what they are to take, ``"boxes"`` or ``"points"``.

    Raises:
        DataError: a name that is none, or somebody who does not take such prompts.
        MissingDependencyError: a package that a competitor needs is not installed.
    """
    found = dict(rivals) if isinstance(rivals, Mapping) else {name: _competitor(name) for name in rivals}
    for name, competitor in found.items():
        if prompt not in competitor.takes:
            raise DataError(f"competitors: {name} takes {' and '.join(sorted(competitor.takes))}, not {prompt}")
    return found


def _competitor(name: str) -> Competitor:
    if name in BUILT_IN:
        return BUILT_IN[name]()
    short, colon, argument = name.partition(":")
    installed = points(GROUP)
    if short not in installed:
        known = [*BUILT_IN, *(f"{other}:…" for other in sorted(installed))]
        raise DataError(f"competitors: got {name}; there are {', '.join(known)}")
    competitor: Competitor = load_entry(installed[short])(argument if colon else None)
    return competitor
