"""The images of a folder, and where the annotations of each are kept."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from sampipe.data.coco_layout import image_folder
from sampipe.data.images import SUFFIXES, image_files
from sampipe.errors import DataError

_LONGEST_NAME = 240  # bytes; file systems end at 255


@dataclass(frozen=True)
class ImageFile:
    """One image file; it may turn out to be unreadable when somebody opens it.

    Args:
        path: of the file, with any characters that a file name may have.
        key: 16 hexadecimal digits that stand for the file's name.
    """

    path: Path
    key: str

    @classmethod
    def of(cls, path: Path) -> ImageFile:
        """The image at ``path``."""
        return cls(path, hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest())

    @property
    def shown_name(self) -> str:
        """The file's name as text that can be shown and sent: what is no Unicode becomes a question mark."""
        return os.fsencode(self.path.name).decode("utf-8", errors="replace").replace("\ufffd", "?")

    @property
    def file_name_for_annotations(self) -> str:
        """Of its annotations: the image's whole name, so that ``a.jpg`` and ``a.png`` stay apart."""
        name = f"{self.path.name}.json"
        return name if len(os.fsencode(name)) <= _LONGEST_NAME else f"{self.key}.json"


def find_images(folder: Path) -> tuple[ImageFile, ...]:
    """The images of ``folder/images`` if there is such a folder, else those directly in ``folder``, by name.

    Raises:
        DataError: no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; wanted a folder with images in it")
    place = image_folder(folder)
    images = tuple(ImageFile.of(path) for path in image_files(place))
    if not images:
        raise DataError(f"{place} holds no images; looked for files that end in {', '.join(SUFFIXES)}")
    return images
