"""What is hidden: the background behind the objects, or the objects themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFilter
from pydantic import Field

from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_same_size
from sampipe.nodes._limits import FilePath, NotNegative
from sampipe.types import Image, Masks
from sampipe.types.overlay import supervision
from sampipe.types.rle import merge

Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", description="a color as '#RRGGBB'")]


class BlurBackground(Node):
    """The image with everything but the objects out of focus (a Gaussian blur); without objects all of it.

    Args:
        radius: of the blur, in pixels; None: a fiftieth of the image's longer side.

    Raises:
        DataError: a radius below 0, or masks of another size than the image.
    """

    passes_on: ClassVar[tuple[str, ...]] = ("masks",)

    radius: NotNegative | None = None

    def run(self, image: Image, masks: Masks) -> Image:
        check_same_size(self, image, masks)
        radius = max(image.hw) / 50 if self.radius is None else self.radius
        blurred = image.to_pil().filter(ImageFilter.GaussianBlur(radius))
        return _chosen(inside(masks), image.pixels, np.asarray(blurred), image.source)


class ReplaceBackground(Node):
    """The objects in front of a color or of another image.

    Args:
        color: ``"#RRGGBB"``.
        file: an image file, sample or URL to put behind in place of the color, scaled to cover the image.

    Raises:
        DataError: another color, an image that cannot be read, or masks of another size than the image.
    """

    passes_on: ClassVar[tuple[str, ...]] = ("masks",)

    color: Color = "#FFFFFF"
    file: FilePath | None = None

    def input_files(self) -> Sequence[str]:
        """The other image."""
        return () if self.file is None else (self.file,)

    @resource
    def behind(self) -> Image | None:
        """The other image."""
        return None if self.file is None else Image.open(self.file)

    def run(self, image: Image, masks: Masks) -> Image:
        check_same_size(self, image, masks)
        if self.behind is not None:
            other = _cover(self.behind, image.wh)
        else:
            other = np.full_like(image.pixels, [int(self.color[i : i + 2], 16) for i in (1, 3, 5)])
        return _chosen(inside(masks), image.pixels, other, image.source)


class Pixelate(Node):
    """The image with its objects, such as faces, made unrecognisable; supervision draws.

    Args:
        size: of the squares, in pixels; None: an eighth of each object's shorter side, at least 8.
        area: the "mask" of each object, or its whole "box".

    Raises:
        DataError: a size below 2, a choice that is not listed, or masks of another size than the image.
    """

    passes_on: ClassVar[tuple[str, ...]] = ("masks",)

    size: Annotated[int, Field(ge=2)] | None = None
    area: Literal["mask", "box"] = "mask"

    def run(self, image: Image, masks: Masks) -> Image:
        check_same_size(self, image, masks)
        sv = supervision()
        hidden, boxes = image.pixels.copy(), masks.boxes()[masks.area() > 0]
        for box, (wide, high) in zip(boxes, boxes[:, 2:] - boxes[:, :2], strict=True):
            size = self.size or max(8, int(min(wide, high)) // 8)
            hidden = sv.PixelateAnnotator(pixel_size=size).annotate(hidden, sv.Detections(xyxy=box[None]))
        if self.area == "box":
            return Image(hidden, image.source)
        return _chosen(inside(masks), hidden, image.pixels, image.source)


def inside(masks: Masks) -> np.ndarray:
    """The pixels of any object, bool (h, w)."""
    return merge(masks.rle()).decode() if len(masks) else np.zeros(masks.hw, bool)


def _chosen(objects: np.ndarray, front: np.ndarray, back: np.ndarray, source: str | None) -> Image:
    return Image(np.where(objects[..., None], front, back), source)


def _cover(image: Image, wh: tuple[int, int]) -> np.ndarray:
    """The middle of the image, scaled so that it fills ``wh``."""
    from PIL import ImageOps

    return np.asarray(ImageOps.fit(image.to_pil(), wh, Pillow.Resampling.LANCZOS))
