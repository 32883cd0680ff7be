"""Masks into files, by the writers of :mod:`sampipe.data`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sampipe.data.annotated import AnnotatedImage, objects_of
from sampipe.data.convert import open_writer
from sampipe.data.format import Writer
from sampipe.data.names import FileStems, name_of, path_of
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_same_size
from sampipe.nodes._limits import Folder, Name
from sampipe.types import Image, Masks


class SavedFolder:
    """A folder that a save node fills: its writer, and the name of each image in it.

    Args:
        writer: of the format.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.stems = FileStems()
        self.files: dict[str, list[Path]] = {}
        self._new = False
        writer.shorten = True

    def settle(self, stems: Mapping[str, str], root: str) -> None:
        """Say beforehand what the images of a job are called: their files' stems by source, and the job's root."""
        self.stems.settle(stems)
        self.writer.root, self.writer.shorten = root, not root

    def add(self, image: Image, masks: Masks) -> None:
        """Write or take in an image with masks of one candidate each."""
        stem = self.stems.of(image)
        path = path_of(image.source or "")
        name = image.name if image.source is None else name_of(image.source, self.writer.root)
        annotated = AnnotatedImage(path, objects_of(masks), image.hw, name, image.key)
        self.files[image.source or image.key] = self.writer.add(annotated, stem, image)
        self._new = True

    def flush(self) -> None:
        """Write the files about all images, if anything came since they were last written."""
        if self._new:
            self.writer.finish()
            self._new = False


class FormatNode(Node):
    """Writes masks in one format and hands them on; what its fields are besides folder and images are options of the
    format's writer.

    Raises:
        DataError: masks of another size than the image, or that the format cannot hold.
    """

    pure: ClassVar[bool] = False
    format_name: ClassVar[str]

    def open(self) -> Writer:
        """The writer, with this node's parameters."""
        fields = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}  # type: ignore[arg-type]
        folder, images = Path(fields.pop("directory")), fields.pop("images")
        return open_writer(self.format_name, folder, fields, images=images)

    @resource
    def saved(self) -> SavedFolder:
        """What was written and collected so far."""
        return SavedFolder(self.open())

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        self.saved.add(image, masks.best())
        return masks

    def flush(self) -> None:
        """Write the files about all images of the job."""
        self.saved.flush()


class SaveMasks(FormatNode):
    """Masks in any format by its name, with its default options.

    Args:
        format: one of those that `sampipe data formats` lists as written.
        directory: where the files go.
        images: whether the image files are linked or copied into the folder: "link", "copy" or "none".

    Raises:
        DataError: no such format; masks of another size than the image, or that the format cannot hold.
    """

    format: Name = "coco"
    directory: Folder = "masks"
    images: str = "none"

    def open(self) -> Writer:
        return open_writer(self.format, Path(self.directory), images=self.images)
