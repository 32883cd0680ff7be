"""Graphs to begin with."""

from __future__ import annotations

from sampipe.graph import Graph
from sampipe.graph.registry import detector
from sampipe.nodes import CleanMasks, FilterMasks, LargestMasks, Segment, SegmentEverything, SelectCandidate


def example_texts(model: str, device: str) -> dict[str, str]:
    """YAML by name; each runs with what sampipe brings."""
    segment = Segment(model=model, device=device)
    graphs: dict[str, Graph] = {
        "Faces to masks": detector("face") | segment | SelectCandidate() | CleanMasks(),
        "Your clicks to masks": segment | SelectCandidate(),
        "The largest of everything": SegmentEverything(model=model, device=device) | FilterMasks() | LargestMasks(),
    }
    return {name: graph.to_yaml() for name, graph in graphs.items()} | {"An empty graph": as_text_of_nothing()}


def as_text_of_nothing() -> str:
    """A file without a node, to put a graph together."""
    return "sampipe: 1\nnodes: {}\noutputs: {}\n"
