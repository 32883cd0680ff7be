"""Masks drawn on their image, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from sampipe._files import write_atomic
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_text
from sampipe.nodes.export._stems import FileStems
from sampipe.nodes.export.png import png_bytes
from sampipe.nodes.visualize import Annotate
from sampipe.types import Image, Masks


class SaveOverlay(Node):
    """``<stem>.overlay.png`` for each image: what :class:`~sampipe.nodes.Annotate` draws.

    Args:
        directory: where the files go.

    Raises:
        DataError: masks of another size than the image.
    """

    pure: ClassVar[bool] = False

    directory: str = "overlays"

    def __post_init__(self) -> None:
        check_text(self, "directory", what="the path of a folder")

    @resource
    def stems(self) -> FileStems:
        """The names given so far."""
        return FileStems()

    def run(self, image: Image, masks: Masks) -> Masks:
        annotated = Annotate().run(image, masks)
        write_atomic(Path(self.directory) / f"{self.stems.of(image)}.overlay.png", png_bytes(annotated.pixels))
        return masks
