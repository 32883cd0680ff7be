"""A small layered layout for directed graphs, left to right.

The steps are those of K. Sugiyama, S. Tagawa and M. Toda, "Methods for visual understanding of hierarchical
system structures" (1981): layers by longest path, order within a layer by barycentre, then positions. A wire
over several layers gets a lane of its own in each layer between, so that it never runs behind a box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

GAP_X, GAP_Y, LANE = 64.0, 22.0, 14.0
_SWEEPS = 8


@dataclass
class Layout:
    """Where everything lies; ``y`` is the middle of a box, ``x`` its left side.

    Args:
        x, y: by box.
        lanes: for each edge, the ``(left, right, y)`` of its lane in every layer between its ends.
        width, height: of the whole.
    """

    x: dict[str, float] = field(default_factory=dict)
    y: dict[str, float] = field(default_factory=dict)
    lanes: dict[tuple[str, str], list[tuple[float, float, float]]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


def layout(sizes: Mapping[str, tuple[float, float]], edges: Sequence[tuple[str, str]]) -> Layout:
    """Place boxes of the given ``(width, height)``; an edge leads to a box that comes later in ``sizes``."""
    edges = list(dict.fromkeys(edges))
    layer = _layers(list(sizes), edges)
    heights = {name: height for name, (_, height) in sizes.items()}
    links: list[tuple[str, str]] = []
    chains: dict[tuple[str, str], list[str]] = {}
    for start, end in edges:
        between = [f"{start}>{end}@{step}" for step in range(layer[start] + 1, layer[end])]
        for step, lane in enumerate(between, layer[start] + 1):
            layer[lane], heights[lane] = step, LANE
        chains[start, end] = between
        links.extend(zip([start, *between], [*between, end], strict=True))
    columns = [[name for name in layer if layer[name] == step] for step in range(max(layer.values()) + 1)]
    near: dict[str, list[str]] = {name: [] for name in layer}
    for start, end in links:
        near[start].append(end)
        near[end].append(start)
    _order(columns, layer, near)
    y = _heights(columns, heights, near)
    return _placed(sizes, columns, chains, heights, y)


def _layers(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    before = {name: [start for start, end in edges if end == name] for name in names}
    after = {name: [end for start, end in edges if start == name] for name in names}
    layer: dict[str, int] = {}
    for name in names:
        layer[name] = 1 + max((layer[one] for one in before[name]), default=-1)
    for name in names:  # what waits for nothing stands right before the first that needs it
        if not before[name] and after[name]:
            layer[name] = min(layer[one] for one in after[name]) - 1
    return layer


def _order(columns: list[list[str]], layer: Mapping[str, int], near: Mapping[str, list[str]]) -> None:
    """Sort each layer by the mean place of its neighbours, sweeping right and left."""
    place = {name: float(index) for column in columns for index, name in enumerate(column)}
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for column in columns[::step]:
            for name in column:
                seen = [place[one] for one in near[name] if (layer[one] - layer[name]) * step < 0]
                place[name] = sum(seen) / len(seen) if seen else place[name]
            column.sort(key=lambda name: place[name])
            place.update((name, float(index)) for index, name in enumerate(column))


def _heights(columns: list[list[str]], heights: Mapping[str, float], near: Mapping[str, list[str]]) -> dict[str, float]:
    """Pull every box towards the mean of its neighbours, keeping order and distance."""
    y: dict[str, float] = {}
    for column in columns:
        _spread(column, heights, y, dict.fromkeys(column, 0.0))
    for sweep in range(_SWEEPS):
        for column in columns[:: 1 if sweep % 2 == 0 else -1]:
            wanted = {
                name: sum(y[one] for one in near[name]) / len(near[name]) if near[name] else y[name] for name in column
            }
            _spread(column, heights, y, wanted)
    return y


def _spread(
    column: Sequence[str], heights: Mapping[str, float], y: dict[str, float], wanted: Mapping[str, float]
) -> None:
    """Give each box of a column its wanted height, moved down as far as those above need, then centred."""
    floor = float("-inf")
    shift = 0.0
    for name in column:
        half = heights[name] / 2
        y[name] = max(wanted[name], floor + half)
        shift += y[name] - wanted[name]
        floor = y[name] + half + GAP_Y
    for name in column:
        y[name] -= shift / len(column)


def _placed(
    sizes: Mapping[str, tuple[float, float]],
    columns: list[list[str]],
    chains: Mapping[tuple[str, str], list[str]],
    heights: Mapping[str, float],
    y: dict[str, float],
) -> Layout:
    top = min(y[name] - heights[name] / 2 for name in y)
    done = Layout(height=max(y[name] + heights[name] / 2 for name in y) - top)
    spans: dict[str, tuple[float, float]] = {}
    left = 0.0
    for column in columns:
        right = left + max((sizes[name][0] for name in column if name in sizes), default=0.0)
        for name in column:
            spans[name] = (left, right)
            if name in sizes:
                done.x[name] = left + (right - left - sizes[name][0]) / 2
                done.y[name] = y[name] - top
        left = right + GAP_X
    done.width = left - GAP_X
    for edge, lanes in chains.items():
        done.lanes[edge] = [(*spans[lane], y[lane] - top) for lane in lanes]
    return done
