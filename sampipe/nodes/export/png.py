"""Masks as PNG files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image as PilImage

from sampipe._files import write_atomic
from sampipe.errors import DataError
from sampipe.graph import Node, resource
from sampipe.nodes._checks import check_same_size, check_text
from sampipe.nodes.clean import crop_of
from sampipe.nodes.export._stems import FileStems
from sampipe.types import Image, Masks

_MOST_OBJECTS = 65_535


class SavePng(Node):
    """A 16-bit label image for each image: 0 is background, i + 1 the i-th object.

    Files are ``<stem>.labels.png`` and, with ``each``, ``<stem>.mask-0001.png`` (0 and 255) for every object.
    Where objects overlap, the smaller one is on top in the label image; ``ResolveOverlaps`` before this node
    decides otherwise, and ``each`` loses nothing.

    Args:
        directory: where the files go.
        each: also one file for each mask.

    Raises:
        DataError: masks of another size than the image, or more than 65,535 of them.
    """

    pure: ClassVar[bool] = False

    directory: str = "masks"
    each: bool = False

    def __post_init__(self) -> None:
        check_text(self, "directory", what="the path of a folder")

    @resource
    def stems(self) -> FileStems:
        """The names given so far."""
        return FileStems()

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        if len(masks) > _MOST_OBJECTS:
            raise DataError(f"SavePng: {len(masks)} masks; a 16-bit label image holds {_MOST_OBJECTS}. Use SaveCoco.")
        folder, stem = Path(self.directory), self.stems.of(image)
        write_atomic(folder / f"{stem}.labels.png", png_bytes(label_image(masks)))
        if self.each:
            for number, mask in enumerate(masks.iter_binary(), start=1):
                write_atomic(folder / f"{stem}.mask-{number:04d}.png", png_bytes(mask.astype(np.uint8) * 255))
        return masks


def label_image(masks: Masks) -> np.ndarray:
    """uint16 (h, w): 0 for background, i + 1 for the i-th object; of objects that overlap the smaller is on
    top."""
    labels = np.zeros(masks.hw, np.uint16)
    rles = masks.rle()
    for index in np.argsort(-masks.area(), kind="stable"):
        crop, (x, y) = crop_of(rles[index])
        labels[y : y + crop.shape[0], x : x + crop.shape[1]][crop] = index + 1
    return labels


def png_bytes(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 (h, w) or (h, w, 3) or uint16 (h, w) pixels."""
    buffer = io.BytesIO()
    PilImage.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
