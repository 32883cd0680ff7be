"""Baselines by the names they have in ``--competitors``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sampipe.errors import CheckpointError, DataError
from sampipe.graph.registry import load_entry, points
from sampipe.measure.quality import classical
from sampipe.measure.quality.answers import Baseline, Competitors

BUILT_IN: dict[str, Callable[[], Baseline]] = {
    "ellipse": classical.ellipse,
    "grabcut": classical.grabcut,
    "wand": classical.wand,
}
GROUP = "sampipe.competitors"
"""Entry points of this group are functions that make a baseline of the text after the colon: ``onnx:ritm.onnx``."""


def baselines(competitors: Competitors, prompt: str, device: str = "auto") -> dict[str, Baseline]:
    """The baselines that are meant, in this order.

    Args:
        competitors: ``"ellipse"``, ``"grabcut"``, ``"wand"``, ``"zoom:MODEL"`` (``Segment(zoom=True)``), an installed
            one with its argument (``"onnx:ritm.onnx"``), or another Segment Anything model; or baselines by name.
        prompt: what they are to take, ``"boxes"`` or ``"points"``.
        device: where models run.

    Raises:
        DataError: an unknown name, or a baseline that does not take such prompts.
        MissingDependencyError: a package that a baseline needs is not installed.
    """
    if isinstance(competitors, Mapping):
        found = dict(competitors)
    else:
        found = {name: _baseline(name, device) for name in competitors}
    for name, baseline in found.items():
        if prompt not in baseline.takes:
            raise DataError(f"competitors: {name} takes {' and '.join(sorted(baseline.takes))}, not {prompt}")
    return found


def _baseline(name: str, device: str) -> Baseline:
    if name in BUILT_IN:
        return BUILT_IN[name]()
    short, colon, argument = name.partition(":")
    installed = points(GROUP)
    if short in installed:
        baseline: Baseline = load_entry(installed[short])(argument if colon else None)
        return baseline
    from sampipe.measure.quality.sam_baseline import SamBaseline, ZoomBaseline
    from sampipe.models import load_segmenter

    if short == "zoom":
        return ZoomBaseline(argument or "nano", device)
    try:
        return SamBaseline(load_segmenter(name, device))
    except CheckpointError as error:
        known = [*BUILT_IN, *(f"{other}:…" for other in sorted(installed)), "the models and checkpoints of --model"]
        raise DataError(f"competitors: got {name}; there are {', '.join(known)}") from error
