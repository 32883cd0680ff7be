"""IMAGE on the command line: a file, a folder, a glob, ``sample:NAME``, a URL, or ``-`` for stdin."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sampipe.data.images import SUFFIXES, image_files, is_image_file
from sampipe.data.names import check_unicode, shown
from sampipe.errors import DataError


@dataclass
class Sources:
    """What words stand for.

    Args:
        sources: images, each once.
        unfound: (word, reason) of those that stand for none.
        remarks: what was passed over.
    """

    sources: list[str] = field(default_factory=list)
    unfound: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def expand(words: Iterable[str], *, recursive: bool = False) -> Sources:
    """The image sources that the words stand for.

    A folder stands for the image files inside it, by name, without hidden files and without the overlays of an
    earlier job; with ``recursive`` also for those in its subfolders, which otherwise are named. A word that is a file
    is taken as it is, whatever its name.
    """
    found = Sources()
    sources: dict[Path | str, str] = {}
    for word in words:
        try:
            for source in _expand_one(word, recursive, found.remarks):
                try:
                    check_unicode(source)
                except DataError as error:
                    found.unfound.append((shown(source), str(error)))
                    continue
                is_file = not source.startswith("sample:") and "://" not in source
                sources.setdefault(Path(source).absolute() if is_file else source, source)
        except DataError as error:
            found.unfound.append((word, str(error)))
    found.sources = list(sources.values())
    return found


def read_stdin(folder: Path) -> str:
    """An image on stdin, kept as a file in ``folder``; its path.

    Raises:
        DataError: what came is no image.
    """
    import io

    from PIL import Image as Pillow

    content = sys.stdin.buffer.read()
    try:
        with Pillow.open(io.BytesIO(content)) as image:
            suffix = (image.format or "png").lower()
    except (OSError, ValueError) as error:
        raise DataError(f"-: {len(content)} bytes on stdin, which are no image that can be read.") from error
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"stdin.{suffix}"
    path.write_bytes(content)
    return str(path)


def _expand_one(word: str, recursive: bool, remarks: list[str]) -> Iterator[str]:
    path = Path(word)
    if word.startswith("sample:") or "://" in word or path.is_file():
        yield word
    elif path.is_dir():
        found = sorted(filter(is_image_file, path.rglob("*"))) if recursive else image_files(path)
        below = [] if recursive else _folders_with_images(path)
        if not found:
            hint = f", but there are some in {_some(below)}: --recursive takes them" if below else ""
            raise DataError(f"no images in this folder{hint}; looked for {', '.join(SUFFIXES)}")
        if below:
            remarks.append(f"{path}: images in {_some(below)} are passed over; --recursive takes them")
        yield from map(str, found)
    elif glob.has_magic(word):
        names = glob.glob(word, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = sorted(path for path in map(Path, names) if is_image_file(path))
        if not found:
            raise DataError("no image file matches this pattern")
        yield from map(str, found)
    else:
        raise DataError("no such file or folder")


def _folders_with_images(folder: Path) -> list[str]:
    inside = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(path.name for path in inside if any(map(is_image_file, path.rglob("*"))))


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more folders" if len(names) > 3 else "")
