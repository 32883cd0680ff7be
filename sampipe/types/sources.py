"""The bytes behind a path, a sample or a URL."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from sampipe.errors import DataError
from sampipe.types.samples import PREFIX, sample_path

_SECONDS = 60.0  # without a byte, before a server counts as gone


def is_url(path: str) -> bool:
    """``s3://bucket/a.jpg``; a drive letter or ``sample:NAME`` is none."""
    return "://" in path


def local_path(path: str) -> Path:
    """The file that a path or ``sample:NAME`` means."""
    return sample_path(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else Path(path)


def stem(path: str) -> str:
    """The name of what lies there, without folder, query and suffix."""
    return (
        path.removeprefix(PREFIX)
        if path.startswith(PREFIX)
        else Path(urlsplit(path).path if is_url(path) else path).stem
    )


def read_source(path: str) -> bytes:
    """All bytes of an image file: a path, ``sample:NAME``, http(s), or what fsspec opens (``s3://``, ``gs://`` ...).

    Raises:
        DataError: it cannot be read; names it.
    """
    try:
        return _read_url(path) if is_url(path) else local_path(path).read_bytes()
    except (OSError, ImportError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read: {error}") from error


def _read_url(url: str) -> bytes:
    if url.startswith(("http://", "https://")):
        request = urllib.request.Request(url, headers={"User-Agent": "sampipe"})  # some servers refuse urllib's own
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            content: bytes = answer.read()
            return content
    import fsspec

    with fsspec.open(url, "rb") as file:
        content = file.read()
        return content
