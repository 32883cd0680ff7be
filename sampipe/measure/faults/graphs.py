"""Graphs for trials: one that needs no model, one with the embedded model."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sampipe.graph import Graph, Node
from sampipe.graph.registry import register
from sampipe.graph.tracer import trace
from sampipe.types import Image, Masks, Prompts


@register("selftest")
class Halves(Node):
    """Two masks: the pixels above the middle, and the others.

    Args:
        seconds: that it takes for an image.
        fits: images a batch that memory is said to be enough for.
        notes: a folder in which each process that runs it leaves a file of its number.
    """

    seconds: float = 0.0
    fits: int = 1_000_000
    notes: str = ""

    def warm(self) -> None:
        """Leave this process's number."""
        if self.notes:
            (Path(self.notes) / str(os.getpid())).touch()

    def run(self, image: Image) -> Masks:
        """The pixels above the middle, and the others."""
        time.sleep(self.seconds)
        bright = image.pixels[..., 0] > 128
        prompts = Prompts.from_boxes([[0, 0, image.width, image.height]] * 2, labels=("bright", "dark"))
        return Masks.from_binary(np.stack([bright, ~bright]), prompts)

    def run_batch(self, image: Sequence[Image]) -> list[Masks]:
        """One image after the other; too many raise a MemoryError."""
        if len(image) > self.fits:
            raise MemoryError(f"{len(image)} images do not fit")
        return [self.run(one) for one in image]


def halves(*, seconds: float = 0.0, fits: int = 1_000_000, notes: str = "") -> Graph:
    """The node as a graph from an image to masks."""
    node = Halves(seconds=seconds, fits=fits, notes=notes)

    def masks(image: Image) -> Masks:
        return node(image)

    return trace(masks)


def clicks() -> Graph:
    """A click in the middle of small images, by the embedded model on the processor."""
    from sampipe.nodes import Points, Segment

    points, segment = Points(points=[[16, 12]]), Segment(model="nano", device="cpu")

    def masks(image: Image) -> Masks:
        return segment(image, prompts=points())

    return trace(masks)
