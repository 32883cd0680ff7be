"""The bytes behind a path, a sample or a URL."""

from __future__ import annotations

from pathlib import Path

from sampipe.errors import DataError
from sampipe.types.samples import PREFIX, sample_path


def is_url(path: str) -> bool:
    """``s3://bucket/a.jpg``; a drive letter or ``sample:NAME`` is none."""
    return "://" in path


def read_source(path: str) -> bytes:
    """All bytes of an image file.

    Raises:
        DataError: it cannot be read; names it.
    """
    try:
        if is_url(path):
            import fsspec

            with fsspec.open(path, "rb") as file:
                content: bytes = file.read()
                return content
        file_path = sample_path(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else Path(path)
        return file_path.read_bytes()
    except (OSError, ImportError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read: {error}") from error
