"""Small real nodes for the tests of graphs and engines: bright pixels become boxes, boxes become masks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import sampipe as sp


def picture(*bright: tuple[int, int, int, int], hw: tuple[int, int] = (24, 32), source: str | None = None) -> sp.Image:
    """A dark image with a bright rectangle for each (x0, y0, x1, y1); two of them by default."""
    pixels = np.full((*hw, 3), 20, np.uint8)
    for x0, y0, x1, y1 in bright or ((2, 3, 9, 8), (17, 5, 30, 20)):
        pixels[y0:y1, x0:x1] = 230
    return sp.Image(pixels, source=source)


@sp.register("toy")
class Bright(sp.Node):
    """A box around the bright pixels of the left half, and one for the right half."""

    threshold: int = 128

    def run(self, image: sp.Image) -> sp.Prompts:
        bright = image.pixels.mean(axis=2) > self.threshold
        boxes = []
        for x0, x1 in ((0, image.width // 2), (image.width // 2, image.width)):
            rows, columns = np.nonzero(bright[:, x0:x1])
            if len(rows):
                boxes.append([x0 + columns.min(), rows.min(), x0 + columns.max() + 1, rows.max() + 1])
        return sp.Prompts.from_boxes(boxes, labels=["thing"] * len(boxes))


@sp.register("toy")
class Fill(sp.Node):
    """Fills each box."""

    margin: int = 0

    def run(self, image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        masks = np.zeros((len(prompts), *image.hw), bool)
        for mask, (x0, y0, x1, y1) in zip(masks, np.asarray(prompts.boxes, int), strict=True):
            mask[y0 + self.margin : y1 - self.margin, x0 + self.margin : x1 - self.margin] = True
        return sp.Masks.from_binary(masks, prompts)


@sp.register("toy")
class Largest(sp.Node):
    """Keeps the masks of the largest area."""

    count: int = 1

    def run(self, masks: sp.Masks) -> sp.Masks:
        order = np.argsort(-masks.area(), kind="stable")[: self.count]
        return masks.select(order, step=self.describe())


class Halves(NamedTuple):
    left: sp.Image
    right: sp.Image


@sp.register("toy")
class Split(sp.Node):
    """Cuts an image in two."""

    def run(self, image: sp.Image) -> Halves:
        middle = image.width // 2
        return Halves(image.crop((0, 0, middle, image.height)), image.crop((middle, 0, image.width, image.height)))


@sp.register("toy")
class Darken(sp.Node):
    """An image of the same name as its input: image in, image out; ``prompts`` say where, if given."""

    factor: float = 0.5

    def run(self, image: sp.Image, prompts: sp.Prompts | None = None) -> sp.Image:
        pixels = image.pixels.astype(float)
        if prompts is None:
            pixels *= self.factor
        else:
            for x0, y0, x1, y1 in np.asarray(prompts.boxes, int):
                pixels[y0:y1, x0:x1] *= self.factor
        return sp.Image(pixels.astype(np.uint8))
