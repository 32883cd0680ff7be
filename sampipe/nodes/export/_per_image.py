"""What nodes have in common that write files for each image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sampipe._files import write_atomic
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_same_size, check_text
from sampipe.nodes.export._stems import FileStems
from sampipe.types import Image, Masks


class FilePerImage(Node):
    """Writes files for each image and hands the masks on; each is whole or not there.

    Args:
        directory: where the files go.

    Raises:
        DataError: masks of another size than the image.
    """

    pure: ClassVar[bool] = False

    directory: str = "masks"

    def __post_init__(self) -> None:
        check_text(self, "directory", what="the path of a folder")

    @resource
    def stems(self) -> FileStems:
        """The names given so far."""
        return FileStems()

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        for name, content in self.files(image, masks.best(), self.stems.of(image)).items():
            write_atomic(Path(self.directory) / name, content)
        return masks

    @abstractmethod
    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        """The content of each file, by its path inside the folder; ``stem`` is this image's own."""


def image_file_name(image: Image) -> str:
    """The name of an image's file; of one that has none, its stem."""
    if image.source is None or image.source.startswith("sample:"):
        return image.name
    return Path(image.source).name
