"""Masks as PNG files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sampipe.formats.labels import png_bytes, write_labels
from sampipe.nodes.export._per_image import FilePerImage
from sampipe.types import Image, Masks


class SavePng(FilePerImage):
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

    each: bool = False

    def files(self, image: Image, masks: Masks, stem: str) -> Mapping[str, bytes]:
        files = {f"{stem}.labels.png": write_labels(masks)}
        if self.each:
            for number, mask in enumerate(masks.iter_binary(), start=1):
                files[f"{stem}.mask-{number:04d}.png"] = png_bytes(mask.astype(np.uint8) * 255)
        return files
