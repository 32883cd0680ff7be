"""Cut-outs: each object on its own, everything around it transparent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from sampipe.data.annotated import AnnotatedImage
from sampipe.data.format import Format, SidecarWriter
from sampipe.data.label_png import png_bytes
from sampipe.errors import DataError
from sampipe.types import Image, Masks
from sampipe.types._decode import stored


def write_cutouts(image: Image, masks: Masks, *, margin: int = 0, whole: bool = False) -> list[bytes | None]:
    """An RGBA PNG for each object; None for one without a pixel.

    Args:
        image: what the masks are about.
        masks: each object's best candidate is cut out.
        margin: transparent pixels around the object's box, where the image goes so far.
        whole: keep the image's size in place of the box.

    Raises:
        DataError: masks of another size than the image.
    """
    margin = max(image.hw) if whole else margin
    return [
        png_bytes(np.asarray(masks.crop(i, image, margin=margin))) if area else None
        for i, area in enumerate(masks.area())
    ]


def read_cutout(png: bytes) -> np.ndarray:
    """The mask, bool (h, w), of a cut-out: where it is not transparent.

    Raises:
        DataError: it is no image with transparency.
    """
    values, mode = stored(png, "the cut-out")
    if mode != "RGBA":
        raise DataError(f"a cut-out has transparency; this image has the mode {mode}")
    return values[..., 3] > 0


@dataclass(kw_only=True)
class CutoutsWriter(SidecarWriter):
    """``<stem>.0001.png`` and so on: each object with everything around it transparent.

    Args:
        margin: transparent pixels around the object's box, where the image goes so far.
        whole: keep the image's size in place of the box.
    """

    suffix: ClassVar[str] = ".png"

    margin: Annotated[int, Field(ge=0)] = 0
    whole: bool = False

    def content(self, image: AnnotatedImage, image_path: str, pixels: Image | None) -> dict[str, bytes]:
        cut = write_cutouts(pixels or image.open(), image.masks(), margin=self.margin, whole=self.whole)
        return {f".{number:04d}.png": png for number, png in enumerate(cut, start=1) if png is not None}


FORMAT = Format(
    name="cutouts",
    title="cut-outs",
    writer=CutoutsWriter,
    files="{stem}.0001.png",
    cannot_hold="labels, scores, where the objects are (unless whole)",
    opened_by="Pillow 12",
)
