"""Masks as Pascal VOC pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sampipe.errors import DataError
from sampipe.formats.voc import write_voc
from sampipe.graph import resource
from sampipe.nodes.export._per_image import FilePerImage
from sampipe.nodes.export.class_file import ClassFile
from sampipe.types import Image, Masks


class SaveVoc(FilePerImage):
    """``SegmentationObject/<stem>.png`` and ``SegmentationClass/<stem>.png`` for each image.

    ``classes.txt`` holds the names, one a line: the class 1 is on the first. Of objects that overlap the smaller is on
    top.

    Args:
        directory: where the files go.

    Raises:
        DataError: more than 254 objects in an image, or more than 254 classes.
    """

    @resource
    def classes(self) -> ClassFile:
        """The classes seen so far."""
        return ClassFile(Path(self.directory) / "classes.txt")

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        numbers = self.classes.numbers(masks)
        if max(numbers, default=0) >= 254:
            raise DataError("SaveVoc: a Pascal VOC picture holds 254 classes, and there are more. Use SaveCoco.")
        objects, classes = write_voc(masks, [number + 1 for number in numbers])
        return {f"SegmentationObject/{stem}.png": objects, f"SegmentationClass/{stem}.png": classes}
