"""IMAGE on the command line: a file, a folder, a glob or ``sample:NAME``."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from sampipe.errors import DataError
from sampipe.types.image_files import SUFFIXES, image_files, is_image_file


def expand(words: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The image sources that the words stand for, each once, and (word, reason) for those that fail.

    A folder stands for the image files directly inside it, by name, without hidden files and without the
    overlays of an earlier job. A word that is a file is taken as it is, whatever its name.
    """
    sources: dict[Path | str, str] = {}
    failures = []
    for word in words:
        try:
            for source in _expand_one(word):
                identity = source if source.startswith("sample:") else Path(source).absolute()
                sources.setdefault(identity, source)
        except DataError as error:
            failures.append((word, str(error)))
    return list(sources.values()), failures


def _expand_one(word: str) -> Iterator[str]:
    path = Path(word)
    if word.startswith("sample:") or path.is_file():
        yield word
    elif path.is_dir():
        found = image_files(path)
        if not found:
            raise DataError(f"no images in this folder; looked for {', '.join(SUFFIXES)}")
        yield from map(str, found)
    elif glob.has_magic(word):
        names = glob.glob(word, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = sorted(path for path in map(Path, names) if is_image_file(path))
        if not found:
            raise DataError("no image file matches this pattern")
        yield from map(str, found)
    else:
        raise DataError("no such file or folder")
