"""File names that no two images of a job share."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from sampipe.types import Image

_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
_LONGEST_STEM = 120  # leaves room for suffixes within the 255 bytes of a file name, in UTF-8 too, mostly


def clean_stem(name: str) -> str:
    """``name`` without what a file system refuses, not too long; may be empty."""
    return _NOT_IN_FILE_NAMES.sub("_", name).strip(" .")[:_LONGEST_STEM]


class FileStems:
    """The stem under which each image of a job is saved; threads may share it.

    The first image of a name keeps it; another one of the same name gets the start of its key appended, and a
    number should that be taken as well. Names are compared as file systems do that ignore case.

    Args:
        reserved: stems that other files of the folder have.
    """

    def __init__(self, *reserved: str) -> None:
        self._lock = threading.Lock()
        self._stem_of: dict[tuple[str | None, str], str] = {}
        self._taken = {stem.casefold() for stem in reserved}
        self._settled: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def of(self, image: Image) -> str:
        """The image's stem, the same one each time."""
        identity = (image.source, image.key)
        with self._lock:
            if identity not in self._stem_of:
                self._stem_of[identity] = self._free(image)
                self._taken.add(self._stem_of[identity].casefold())
            return self._stem_of[identity]

    def settle(self, stems: Mapping[str, str]) -> None:
        """Say beforehand under which stem the image of each source goes, whichever of them come in this process."""
        with self._lock:
            self._settled.update(stems)
            self._taken.update(stem.casefold() for stem in stems.values())

    def _free(self, image: Image) -> str:
        if image.source is not None and image.source in self._settled:
            return self._settled[image.source]
        stem = clean_stem(image.name) or image.key[:12]
        with_key = f"{stem}-{image.key[:8]}"
        candidate, number = stem, 1
        while candidate.casefold() in self._taken:
            candidate = with_key if number == 1 else f"{with_key}-{number}"
            number += 1
        return candidate
