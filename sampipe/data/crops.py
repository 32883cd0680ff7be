"""Crops: the part of the image in each object's box, as classifiers are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.format import Format, SidecarWriter
from sampipe.data.label_png import png_bytes
from sampipe.types import Image


@dataclass(kw_only=True)
class CropsWriter(SidecarWriter):
    """``<stem>.0001.crop.png`` and so on: the image in each object's box; none for an object without a pixel.

    Args:
        margin: pixels around the box, where the image goes so far.
    """

    suffix: ClassVar[str] = ".png"

    margin: Annotated[int, Field(ge=0)] = 0

    def content(self, image: AnnotatedImage, image_path: str, pixels: Image | None) -> dict[str, bytes]:
        shown = (pixels or image.open()).pixels
        height, width = shown.shape[:2]
        crops = {}
        for number, rle in enumerate(image.masks().rle(), start=1):
            if rle.area:
                x0, y0, x1, y1 = (int(edge) for edge in rle.box)
                rows = slice(max(0, y0 - self.margin), min(height, y1 + self.margin))
                columns = slice(max(0, x0 - self.margin), min(width, x1 + self.margin))
                crops[f".{number:04d}.crop.png"] = png_bytes(shown[rows, columns])
        return crops


FORMAT = Format(
    name="crops",
    title="crops",
    writer=CropsWriter,
    files="{stem}.0001.crop.png",
    cannot_hold="labels, scores, shapes, where the objects are",
    opened_by="Pillow 12",
)
