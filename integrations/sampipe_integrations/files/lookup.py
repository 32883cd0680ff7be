"""Files that nodes read, and what is in them now."""

from __future__ import annotations

from pathlib import Path

import sampipe as sp


def existing(path: str, what: str) -> Path:
    """The file at ``path``.

    Raises:
        DataError: there is none.
    """
    file = Path(path).expanduser()
    if not path or not file.is_file():
        raise sp.DataError(f"path: {path!r} is no file; wanted {what}")
    return file


def nothing_about(path: str) -> sp.Prompts:
    """No prompts for an image that a file has no row for, which is said: its name may be another there."""
    return sp.Prompts.empty().replace(notes=(f"{Path(path).name} has no row for this image",))
