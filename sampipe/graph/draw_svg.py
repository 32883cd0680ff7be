"""Graphs as SVG: light boxes with their ports, wires in the color of what they carry.

Boxes bring their own light ground and wires are of middle brightness, so that the drawing reads on a white
page and on a dark one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

from sampipe.graph.graph import Graph
from sampipe.graph.layout import layout
from sampipe.graph.ports import type_name
from sampipe.graph.wiring import Source

_COLORS = {
    "image": "#7d8797",
    "prompts": "#c9731b",
    "masks": "#2a78d0",
    "embedding": "#8a63c4",
    "edges": "#2b9c78",
}
_OTHER = "#a8577e"
_GROUND, _LINE, _INK, _QUIET = "#f7f8fa", "#7d8797", "#1d2530", "#59636f"
_CHAR, _TITLE, _ROW, _PAD, _LONGEST = 6.7, 42.0, 18.0, 12.0, 44
_MARGIN = 12.0


@dataclass(frozen=True)
class _Box:
    """What is drawn for a node, or for one input or output of the graph (``round``)."""

    title: str
    subtitle: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    round: bool = False

    @property
    def size(self) -> tuple[float, float]:
        if self.round:
            return len(self.title) * _CHAR + 2 * _PAD + 6, 28.0
        rows = max(len(self.inputs), len(self.outputs))
        ports = max(map(len, self.inputs), default=0) + max(map(len, self.outputs), default=0) + 4
        return max(len(self.title), len(self.subtitle), ports) * _CHAR + 2 * _PAD, _TITLE + rows * _ROW + 6

    def port_y(self, names: Sequence[str], port: str) -> float:
        """Where a port lies, from the middle of the box."""
        return 0.0 if self.round else -self.size[1] / 2 + _TITLE + (names.index(port) + 0.5) * _ROW


def svg(graph: Graph) -> str:
    """The whole drawing."""
    boxes = _boxes(graph)
    wires = list(_wires(graph))
    placed = layout({name: box.size for name, box in boxes.items()}, [(start, end) for start, _, end, _ in wires])
    body = ['<g fill="none" stroke-width="1.6">']
    for start, out, end, into in wires:
        x1, x2 = placed.x[start] + boxes[start].size[0], placed.x[end]
        y1 = placed.y[start] + boxes[start].port_y(boxes[start].outputs, out)
        y2 = placed.y[end] + boxes[end].port_y(boxes[end].inputs, into)
        points = [
            (x1, y1),
            *((x, y) for left, right, y in placed.lanes[start, end] for x in (left, right)),
            (x2, y2),
        ]
        body.append(f'<path d="{_curve(points)}" stroke="{_color(out)}"/>')
    body.append("</g>")
    wired = {(end, into) for _, _, end, into in wires}
    for name, box in boxes.items():
        free = [port for port in box.inputs if (name, port) not in wired]
        body.append(f'<g data-node="{escape(name)}">')
        body.extend(_draw(box, placed.x[name], placed.y[name], free))
        body.append("</g>")
    width, height = placed.width + 2 * _MARGIN, placed.height + 2 * _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {width:.0f} {height:.0f}" role="img" '
            'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">',
            f"<title>{escape(repr(graph))}</title>",
            *body,
            "</svg>\n",
        ]
    )


def _boxes(graph: Graph) -> dict[str, _Box]:
    boxes = {}
    for name, port in graph.inputs.items():
        optional = "" if port.required else "?"
        boxes[f"${name}"] = _Box(f"{name}: {type_name(port.type)}{optional}", "", (), (name,), round=True)
    for name, node in graph.nodes.items():
        boxes[name] = _Box(name, _short(node.describe()), tuple(node.ports.inputs), tuple(node.ports.outputs))
    for name, source in graph.outputs.items():
        boxes[f"={name}"] = _Box(name, "", (source.port,), (), round=True)
    return boxes


def _wires(graph: Graph) -> Iterator[tuple[str, str, str, str]]:
    """Every wire as (box, its output, box, its input)."""
    for name, wires in graph.wires.items():
        for port, source in wires.items():
            yield _box_of(source), source.port, name, port
    for name, source in graph.outputs.items():
        yield _box_of(source), source.port, f"={name}", source.port


def _box_of(source: Source) -> str:
    return f"${source.port}" if source.node is None else source.node


def _draw(box: _Box, x: float, y: float, free: Sequence[str]) -> Iterator[str]:
    """One box; its ``free`` inputs, which nothing feeds, are hollow."""
    width, height = box.size
    top = y - height / 2
    radius = height / 2 if box.round else 6
    yield (
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.0f}" '
        f'fill="{_GROUND}" stroke="{_LINE}"/>'
    )
    middle = x + width / 2
    if box.round:
        yield _text(middle, y + 4, box.title, "middle", _INK)
    else:
        yield _text(x + _PAD, top + 17, box.title, "start", _INK, ' font-weight="bold"')
        yield _text(x + _PAD, top + 33, box.subtitle, "start", _QUIET)
    for names, at, anchor, inside in ((box.inputs, x, "start", _PAD), (box.outputs, x + width, "end", -_PAD)):
        for port in names:
            port_y = y + box.port_y(names, port)
            color = _color(port)
            fill = _GROUND if names is box.inputs and port in free else color
            yield f'<circle cx="{at:.1f}" cy="{port_y:.1f}" r="3.5" fill="{fill}" stroke="{color}"/>'
            if not box.round:
                yield _text(at + inside, port_y + 4, port, anchor, _QUIET)


def _text(x: float, y: float, text: str, anchor: str, color: str, extra: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"'
    return f"<text {place}{extra}>{escape(text)}</text>"


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Bends between columns, straight lines through lanes (every second stretch)."""
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for index, ((x1, y1), (x2, y2)) in enumerate(pairwise(points)):
        if index % 2:
            path.append(f"L{x2:.1f} {y2:.1f}")
        else:
            half = (x1 + x2) / 2
            path.append(f"C{half:.1f} {y1:.1f} {half:.1f} {y2:.1f} {x2:.1f} {y2:.1f}")
    return "".join(path)


def _color(port: str) -> str:
    return _COLORS.get(port, _OTHER)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}…)"
