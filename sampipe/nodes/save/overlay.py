"""Masks drawn on their image, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from sampipe._files import write_atomic
from sampipe.data.names import FileStems
from sampipe.data.quick_png import quick_png
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_same_size
from sampipe.nodes._limits import Folder
from sampipe.nodes.masks.visualize import Annotate
from sampipe.types import Image, Masks


class SaveOverlay(Node):
    """``<stem>.overlay.png`` for each image: what :class:`~sampipe.nodes.Annotate` draws.

    Args:
        directory: where the files go.

    Raises:
        DataError: masks of another size than the image.
    """

    pure: ClassVar[bool] = False

    directory: Folder = "overlays"

    @resource
    def stems(self) -> FileStems:
        """The names given so far."""
        return FileStems()

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        path = Path(self.directory) / f"{self.stems.of(image)}.overlay.png"
        write_atomic(path, quick_png(Annotate().run(image, masks.best()).pixels))
        return masks
