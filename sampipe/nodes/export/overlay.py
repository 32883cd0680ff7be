"""Masks drawn on their image, as a file."""

from __future__ import annotations

from collections.abc import Mapping

from sampipe.formats.labels import png_bytes
from sampipe.nodes.export._per_image import FilePerImage
from sampipe.nodes.visualize import Annotate
from sampipe.types import Image, Masks


class SaveOverlay(FilePerImage):
    """``<stem>.overlay.png`` for each image: what :class:`~sampipe.nodes.Annotate` draws.

    Args:
        directory: where the files go.

    Raises:
        DataError: masks of another size than the image.
    """

    directory: str = "overlays"

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        return {f"{stem}.overlay.png": png_bytes(Annotate().run(image, masks).pixels)}
