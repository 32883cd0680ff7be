"""Where images with objects come from: data sets in any format with masks, whose images are read as they go."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sampipe.data.annotated import AnnotatedImage, Dataset
from sampipe.data.coco_layout import is_coco
from sampipe.data.formats import drawn, files_digest, read_dataset, with_masks
from sampipe.data.images import is_image_file
from sampipe.errors import DataError

LOOKED_AT = 500
"""Images of a data set whose annotations are read before the training."""


class MaskDataset(Protocol):
    """Images by number, from 0; reading one must not depend on which were read before."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> AnnotatedImage:
        """The file of image ``index`` and the objects in it."""

    def describe(self) -> dict[str, Any]:
        """For the run folder: what was read, with a digest that another version of the data does not have.

        ``read``, where it is there, says for people what the reader took and left out.
        """


class FolderSource:
    """A data set in any format with masks; images are read as they are asked for.

    Annotations of :data:`LOOKED_AT` images at most are read at once, so that a damaged row is an error before the
    training, and what is left out is known.

    Args:
        data: with at least one image.

    Raises:
        DataError: a file is not what it should be.
    """

    def __init__(self, data: Dataset) -> None:
        self.folder = data.source
        self.data = data
        for index in drawn(len(self), LOOKED_AT, 0):
            self.image(index)
        some = f"{LOOKED_AT} of {len(self)} images looked at: " if len(self) > LOOKED_AT else ""
        self.read = tuple(some + line for line in data.report.lines())

    def __len__(self) -> int:
        return len(self.data.images)

    def image(self, index: int) -> AnnotatedImage:
        """The image of that number; without objects, where none has a mask of its own."""
        return with_masks(self.data.images[index](), 1, self.data.report)

    def describe(self) -> dict[str, Any]:
        """Folder, layout, number of images; the digest is over the files of annotations."""
        about = _description(self.folder, self.data.format, len(self), files_digest(self.data))
        return about | {"read": list(self.read)}


class ImageFolder:
    """Images without annotations, in a folder and all folders below: what distillation needs.

    Raises:
        DataError: there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if is_image_file(path))
        if not names:
            raise DataError(f"{folder}: " + ("no images in this folder" if folder.is_dir() else "no such folder"))
        self._names = np.array([name.encode() for name in names])

    def __len__(self) -> int:
        return len(self._names)

    def image(self, index: int) -> AnnotatedImage:
        """The image of that number, without objects."""
        return AnnotatedImage(self.folder / self._names[index].decode(), ())

    def describe(self) -> dict[str, Any]:
        """Folder, number of images; the digest is over their names."""
        digest = hashlib.blake2b(self._names.tobytes(), digest_size=16).hexdigest()
        return _description(self.folder, "images", len(self), digest)


def open_source(folder: str | Path) -> MaskDataset:
    """The annotated images of a folder, whichever format it has.

    Raises:
        DataError: it is no folder, or in no known format.
    """
    path = Path(folder)
    try:
        return FolderSource(read_dataset(path))
    except DataError as error:
        below = sorted(path.iterdir()) if path.is_dir() else []
        inner = next((one for one in below if one.is_dir() and is_coco(one)), None)
        if inner is None:
            raise
        raise DataError(f"{error}; {inner} is a COCO folder") from error


def _description(folder: Path, layout: str, images: int, digest: str) -> dict[str, Any]:
    return {"folder": str(folder.resolve()), "layout": layout, "images": images, "digest": digest}
