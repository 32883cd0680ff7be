"""Masks as one CVAT file."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import ClassVar

from sampipe._files import write_atomic
from sampipe.formats.cvat import write_cvat
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_same_size, check_text
from sampipe.nodes.export._per_image import image_file_name
from sampipe.types import Image, Masks


class SaveCvat(Node):
    """All images of a job and their masks in one file "CVAT for images 1.1".

    Collected as run lengths and written in one piece when a job ends (``flush``); an image that comes again replaces
    its earlier masks.

    Args:
        path: the XML file.

    Raises:
        DataError: masks of another size than the image.
    """

    pure: ClassVar[bool] = False

    path: str = "annotations.xml"

    def __post_init__(self) -> None:
        check_text(self, "path", what="the path of an XML file")

    @resource
    def collected(self) -> CvatCollection:
        """What came so far."""
        return CvatCollection()

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        best = masks.best()
        self.collected.add(image, Masks.from_rle(best.rle(), masks.hw, best.prompts))
        return masks

    def flush(self) -> None:
        """Write the file, if anything came since it was last written."""
        self.collected.write(Path(self.path))


class CvatCollection:
    """Images and their masks until they become a file; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._images: dict[tuple[str | None, str], tuple[str, Masks]] = {}
        self._changed = False

    def add(self, image: Image, masks: Masks) -> None:
        """Take in an image and its masks."""
        with self._lock:
            self._images[image.source, image.key] = image_file_name(image), masks
            self._changed = True

    def write(self, path: Path) -> None:
        """Write everything to ``path``, unless nothing is new."""
        with self._lock:
            if self._changed:
                write_atomic(path, write_cvat(self._images.values()).encode())
                self._changed = False
