"""Any graph over the tiles of a big image, and objects put together again across the borders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from sampipe.graph import Graph, Node, Requirement, resource
from sampipe.nodes._limits import GraphText, TileOverlap
from sampipe.nodes.segment._inner import files_of, inner_graph, joint_digest, requirements_of, weights_of
from sampipe.nodes.segment._merge_tiles import Part, grouped
from sampipe.nodes.segment._placed import Window, placed
from sampipe.types import Image, Masks
from sampipe.types.rle import merge


class Tiled(Node):
    """Runs a graph on overlapping tiles of an image; masks that agree where tiles overlap become one.

    ::

        Tiled.of(detect | segment, tile=1024, overlap=0.2).run(image)

    Two masks of neighbouring tiles are one object when their labels are the same and their IoU inside the tiles' common
    strip reaches ``same_iou``; the best pairs first, each mask once a neighbour. The joined object keeps the prompt and
    the scores of its largest part. Memory: one tile's masks, and run lengths.

    Args:
        graph: YAML text of a graph, or the path of its file; it takes an image and gives masks.
        tile: side of a tile in pixels.
        overlap: share of the side that neighbours have in common, at least; objects no wider than that are seen whole
            by a tile.
        same_iou: see above.

    Raises:
        GraphError: the graph takes more than an image, or gives no masks.
        DataError: a parameter that does not fit.
    """

    inner_field: ClassVar[str] = "graph"

    graph: GraphText
    tile: Annotated[int, Field(ge=16)] = 1024
    overlap: TileOverlap = 0.2
    same_iou: Annotated[float, Field(ge=0.01, le=1)] = 0.5

    @classmethod
    def of(cls, graph: Graph | Node, **parameters: Any) -> Tiled:
        """A node that runs this graph, or this one node, on tiles."""
        from sampipe.graph.chain import as_graph

        return cls(graph=as_graph(graph).to_yaml(), **parameters)

    @resource
    def inner(self) -> tuple[Graph, str]:
        """The graph of a tile, and its output that is masks."""
        return inner_graph("Tiled", self.graph, [Masks])

    def requirements(self) -> Sequence[Requirement]:
        """Those of the graph's nodes."""
        return requirements_of(self.inner[0])

    def input_files(self) -> Sequence[str]:
        """Those of the graph."""
        return files_of(self.graph, self.inner[0])

    def left_out(self, sources: Sequence[str]) -> Sequence[str]:
        """Of the files of the graph."""
        return self.inner[0].left_out(sources)

    def weights_digest(self) -> str | None:
        """Of all weights in the graph."""
        return joint_digest(weights_of(self.inner[0]))

    def run(self, image: Image) -> Masks:
        graph, output = self.inner
        windows = list(tiles(image.hw, self.tile, self.overlap))
        results = graph.map(image.crop(window) for window in windows)
        masks = merge_tiles(image.hw, windows, (result[output] for result in results), self.same_iou)  # type: ignore[index]
        return masks.add_step(f"Tiled(tile={self.tile}, overlap={self.overlap})")


def merge_tiles(hw: tuple[int, int], windows: Sequence[Window], masks_of: Iterable[Masks], same_iou: float) -> Masks:
    """The masks of all tiles as masks of the whole; those that agree where tiles overlap become one.

    Args:
        hw: of the whole.
        windows: where the tiles lie.
        masks_of: each tile's masks, in the same order; taken one by one.
        same_iou: see :class:`Tiled`.
    """
    found: list[Masks] = []
    parts: list[Part] = []
    for number, (window, given) in enumerate(zip(windows, masks_of, strict=True)):
        masks = given.best()
        parts += [
            Part(number, window, rle, _label(masks, i), row)
            for row, (i, rle) in enumerate(enumerate(masks.rle()), start=len(parts))
        ]
        found.append(placed(masks, window, hw))
    everything = Masks.concat(found)
    groups = grouped(parts, same_iou)
    largest = [max(group, key=lambda part: part.rle.area).row for group in groups]
    rles = [merge([everything.rle()[part.row] for part in group]) for group in groups]
    chosen = everything.select(largest).best()
    return chosen.replace(logits=None, rles=tuple((rle,) for rle in rles))


def tiles(hw: tuple[int, int], side: int, overlap: float) -> Iterator[Window]:
    """Windows x0, y0, x1, y1 that cover an image, row by row; the last ones lie at its edges."""
    for y in _starts(hw[0], side, overlap):
        for x in _starts(hw[1], side, overlap):
            yield x, y, min(x + side, hw[1]), min(y + side, hw[0])


def _starts(length: int, side: int, overlap: float) -> list[int]:
    if length <= side:
        return [0]
    count = 1 + int(np.ceil((length - side) / max(1, side * (1 - overlap))))
    return np.linspace(0, length - side, count).round().astype(int).tolist()


def _label(masks: Masks, i: int) -> str | None:
    return None if masks.prompts.labels is None else masks.prompts.labels[i]
