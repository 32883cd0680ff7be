"""Where pictures with objects come from: COCO folders, and folders in SA-1B's layout, which are read as they go."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sampipe.errors import DataError
from sampipe.types.coco import Picture, read_coco
from sampipe.types.image_files import SUFFIXES, is_image_file
from sampipe.types.sa1b import read_sa1b_file, sa1b_files

_LOOKED_AT = 5  # files, to see whether a folder is in SA-1B's layout


class Source(Protocol):
    """Pictures by number, from 0; reading one must not depend on which were read before."""

    def __len__(self) -> int: ...

    def picture(self, index: int) -> Picture:
        """The file of picture ``index`` and the objects in it."""

    def describe(self) -> dict[str, Any]:
        """For the run folder: what was read, with a digest that another version of the data does not have."""


class CocoSource:
    """A COCO folder, its annotations in memory.

    Raises:
        DataError: the folder or its annotations are not what they should be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pictures = read_coco(folder)

    def __len__(self) -> int:
        return len(self._pictures)

    def picture(self, index: int) -> Picture:
        """The picture of that number."""
        return self._pictures[index]

    def describe(self) -> dict[str, Any]:
        """Folder, layout, number of pictures; the digest is over file names and masks."""
        digest = hashlib.blake2b(digest_size=16)
        for picture in self._pictures:
            digest.update(f"{picture.path.name};".encode())
            for item in picture.objects:
                digest.update(f"{item.mask.hw}".encode() + item.mask.counts)
        return _description(self.folder, "coco", len(self), digest.hexdigest())


class Sa1bSource:
    """A folder in SA-1B's layout: only file names are kept, in one array that worker processes share; each picture's
    masks are read when it is asked for.

    Raises:
        DataError: there are no annotation files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = [str(path.relative_to(folder)).encode() for path in sa1b_files(folder)]
        self._names = np.array(names)

    def __len__(self) -> int:
        return len(self._names)

    def picture(self, index: int) -> Picture:
        """The picture of that number; without objects, where its file lists none."""
        return read_sa1b_file(self.folder / self._names[index].decode())

    def describe(self) -> dict[str, Any]:
        """Folder, layout, number of pictures; the digest is over the names of the annotation files."""
        return _description(
            self.folder, "sa1b", len(self), hashlib.blake2b(self._names.tobytes(), digest_size=16).hexdigest()
        )


class PhotoSource:
    """Photos without annotations, in a folder and all folders below: what distillation needs.

    Raises:
        DataError: there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if is_image_file(path))
        if not names:
            raise DataError(f"{folder}: " + ("no photos in this folder" if folder.is_dir() else "no such folder"))
        self._names = np.array([name.encode() for name in names])

    def __len__(self) -> int:
        return len(self._names)

    def picture(self, index: int) -> Picture:
        """The photo of that number, without objects."""
        return Picture(self.folder / self._names[index].decode(), ())

    def describe(self) -> dict[str, Any]:
        """Folder, number of photos; the digest is over their names."""
        digest = hashlib.blake2b(self._names.tobytes(), digest_size=16).hexdigest()
        return _description(self.folder, "photos", len(self), digest)


def open_source(folder: str | Path) -> Source:
    """The annotated pictures of a folder, whichever layout it has.

    Raises:
        DataError: it is no folder, or neither a COCO folder nor in SA-1B's layout.
    """
    path = Path(folder)
    if not path.is_dir():
        raise DataError(f"{path}: no such folder; wanted a COCO folder or one in SA-1B's layout")
    if _is_coco(path):
        return CocoSource(path)
    if any(_is_image_beside(file) for file in islice(path.rglob("*.json"), _LOOKED_AT)):
        return Sa1bSource(path)
    inner = next((below for below in sorted(path.iterdir()) if below.is_dir() and _is_coco(below)), None)
    raise DataError(
        f"{path}: not a COCO folder (no instances.json or instances.json.gz), nor SA-1B's layout (sa_1.json beside "
        f"sa_1.jpg)" + (f"; {inner} is a COCO folder" if inner else "")
    )


def _is_coco(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("instances.json", "instances.json.gz"))


def _is_image_beside(file: Path) -> bool:
    return any(file.with_suffix(suffix).is_file() for suffix in SUFFIXES)


def _description(folder: Path, layout: str, pictures: int, digest: str) -> dict[str, Any]:
    return {"folder": str(folder.resolve()), "layout": layout, "pictures": pictures, "digest": digest}
