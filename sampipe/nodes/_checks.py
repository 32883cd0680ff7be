"""What several nodes check of their inputs."""

from __future__ import annotations

from sampipe.errors import DataError
from sampipe.types import Image, Masks


def check_same_size(node: object, image: Image, masks: Masks) -> None:
    """The masks are of this image's size.

    Raises:
        DataError: they are not.
    """
    if masks.hw != image.hw:
        raise DataError(
            f"{type(node).__name__}: masks of {masks.hw[1]}x{masks.hw[0]} pixels for an image of "
            f"{image.width}x{image.height}; wanted masks of this image."
        )
