"""Which rows of a file belong to an image: by the path that the image was read from, or by its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import sampipe as sp


def key_of(image: sp.Image, known: Iterable[str], where: str) -> str | None:
    """The name among ``known`` that the image goes by, or None.

    A name matches the whole path, else the longest of the endings of the path (``b/c.jpg`` before ``c.jpg``),
    else the file's name, else its stem. An image that was not read from a file is the one that is known, where
    there is only one.

    Raises:
        DataError: the image does not come from a file, or two names match equally well.
    """
    names = set(known)
    if image.source is None and len(names) == 1:
        return names.pop()
    if image.source is None:
        raise sp.DataError(
            f"{where}: the image does not say where it comes from, so its rows cannot be found; open it from a "
            "file, or give Image.from_array(..., source=NAME)"
        )
    parts = PurePosixPath(image.source.replace("\\", "/")).parts
    for start in range(len(parts)):
        ending = "/".join(parts[start:]).replace("//", "/")
        if ending in names:
            return ending
    by_file = sorted(name for name in names if PurePosixPath(name).name == parts[-1]) or sorted(
        name for name in names if PurePosixPath(name).stem == image.name
    )
    if len(by_file) > 1:
        raise sp.DataError(
            f"{where}: {image.source} can be {' or '.join(by_file[:3])}; give paths that tell them apart"
        )
    return by_file[0] if by_file else None


def existing(path: str, what: str) -> Path:
    """The file at ``path``.

    Raises:
        DataError: there is none.
    """
    file = Path(path).expanduser()
    if not path or not file.is_file():
        raise sp.DataError(f"path: {path!r} is no file; wanted {what}")
    return file


def file_digest(path: str, otherwise: str) -> str:
    """A digest of parameters and of what is in the file now, so that no cache outlives the file."""
    file = Path(path).expanduser()
    if not file.is_file():
        return otherwise
    return hashlib.blake2b(otherwise.encode() + file.read_bytes(), digest_size=16).hexdigest()
