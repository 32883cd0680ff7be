"""Masks drawn on their image."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sampipe.graph import Node
from sampipe.nodes._checks import check_same_size
from sampipe.nodes._limits import Fraction
from sampipe.types import Image, Masks


class Annotate(Node):
    """The image with its masks drawn on it: translucent fill, contour, name and score of each object.

    Large masks are drawn first so that small ones stay visible; labels are supervision's. An object's color
    follows from its track id, else from its place in the list. Lines and text grow with the image. Objects with
    neither a name nor a track id get no label, and an image without objects stays as it is.

    Args:
        opacity: of the fill, 0 to 1.
        labels: whether to write names and scores.
        scale: makes lines and text thicker (2.0) or thinner (0.5).
        font: a TrueType or OpenType file for labels; by default one is found that has the label's characters
            (``pip install "sampipe[fonts]"`` for Chinese, Japanese and Korean).

    Raises:
        DataError: a parameter that does not fit, or masks of another size than the image.
    """

    passes_on: ClassVar[tuple[str, ...]] = ("masks",)

    opacity: Fraction = 0.4
    labels: bool = True
    scale: Annotated[float, Field(ge=0.1, le=10)] = 1.0
    font: str | None = None

    def run(self, image: Image, masks: Masks) -> Image:
        from sampipe.types.overlay import overlay

        check_same_size(self, image, masks)
        return overlay(image, masks, opacity=self.opacity, labels=self.labels, scale=self.scale, font=self.font)
