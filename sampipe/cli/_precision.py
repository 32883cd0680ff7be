"""``--precision``, of every command that runs Segment Anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sampipe.cli import _screen

if TYPE_CHECKING:
    from sampipe.graph import Graph


def in_precision(graph: Graph, precision: str, device: str = "auto") -> Graph:
    """The graph in that precision; a note where it is slower than exact.

    Args:
        graph: as its nodes or its file have it.
        precision: ``"exact"`` leaves it as it is.
        device: where it will run.
    """
    if precision == "exact":
        return graph
    from sampipe.models.device import resolve_device
    from sampipe.models.precision import half_dtype, is_fast_here
    from sampipe.nodes.segment.with_precision import with_precision

    place = resolve_device(device)
    half_dtype(precision, place)
    if not is_fast_here(precision, place):
        _screen.note(f"{precision} is slower than exact on this {place.type}: it has no units for it")
    return with_precision(graph, precision)
