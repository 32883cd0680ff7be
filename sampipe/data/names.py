"""What an image is called: its path from the root of its job or data set, POSIX, in Unicode's composed form (NFC).

Every writer writes this name, and every reader finds the image by it, whichever way a program has spelled it.
"""

from __future__ import annotations

import os
import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from sampipe.data.images import SUFFIXES
from sampipe.data.job_folder import image_roots
from sampipe.errors import DataError
from sampipe.types import Image
from sampipe.types.samples import PREFIX, sample_path

_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
_OF_OTHER_FILES = re.compile(r"\.(task|overlay|labels|edges|mask-\d+|\d{4,})$", re.IGNORECASE)
Parts = tuple[str, ...]
_LONGEST_STEM = 120  # leaves room for suffixes within the 255 bytes of a file name, in UTF-8 too, mostly
RESERVED = ("annotations", "instances", "classes", "manifest", "job", "metadata", "data", "suspects", "panoptic")
"""Stems of files about all images of a folder; no image's file may have one."""


def plain(text: str) -> str:
    """A path as parts joined by ``/``, NFC, without a drive, an address or a leading slash."""
    text = unicodedata.normalize("NFC", text).replace("\\", "/")
    if "://" in text:
        split = urlsplit(text)
        text = f"{split.netloc}{split.path}"
    text = re.sub(r"^[A-Za-z]:(?=/|$)", "", text)
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def one_line(name: str) -> str:
    """A name without control characters and line ends, which YAML and lists of lines cannot hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split()) or "object"


def check_unicode(name: str) -> None:
    """Whether a file's name is text.

    Raises:
        DataError: its bytes are no UTF-8, so that no file of annotations could hold it.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{shown(name)}: the name is no UTF-8, so no file of annotations can hold it; rename the image"
        ) from error


def shown(name: str) -> str:
    """A file's name as text that can be printed, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def common_root(sources: Iterable[str]) -> str:
    """The deepest folder that all files of a job lie in; empty where there is none (samples, addresses, drives)."""
    folders = [os.path.dirname(os.path.abspath(one)) for one in sources if _is_path(one)]  # noqa: PTH100, PTH120
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError:  # of several drives
        return ""


def from_folder(source: str, folder: Path) -> str:
    """A source whose relative path begins at a folder, as an absolute path; samples and addresses stay."""
    return os.path.abspath(folder / source) if _is_path(source) else source  # noqa: PTH100


def name_of(source: str, root: str = "") -> str:
    """The name of an image: from ``root``, or, outside of it or without one, the whole path without its root.

    Raises:
        DataError: the name is no Unicode.
    """
    check_unicode(source)
    if source.startswith(PREFIX):
        return source.removeprefix(PREFIX)
    if _is_path(source):
        path = Path(os.path.abspath(source))  # noqa: PTH100 - resolve() would follow links to other names
        base = Path(root) if root else Path.cwd()
        source = str(path.relative_to(base) if path.is_relative_to(base) else path)
    return plain(source)


def image_name(image: Image, root: str = "") -> str:
    """The name of an image; the start of its key where it comes from no file.

    Raises:
        DataError: the name is no Unicode.
    """
    return image.name if image.source is None else name_of(image.source, root)


def task_image(reference: str) -> str:
    """What a Label Studio task calls its image, without the address, the query and percent signs."""
    path, _, query = reference.partition("?")
    if query.startswith("d="):  # local files: /data/local-files/?d=folder/image.jpg
        path = query[2:].partition("&")[0]
    return unquote(path)


def path_of(source: str) -> Path:
    """The file that an image was read from; of an address, a path that is not there."""
    return sample_path(source.removeprefix(PREFIX)) if source.startswith(PREFIX) else Path(source)


def inside(name: str) -> str:
    """A name as a path that stays inside a folder: parts that lead out of it, and signs no file may have, go."""
    parts = [part for part in plain(name).split("/") if part != ".."]
    return "/".join(_NOT_IN_FILE_NAMES.sub("_", part).rstrip(" .") or "_" for part in parts) or "image"


def _is_path(source: str) -> bool:
    return "://" not in source and not source.startswith(PREFIX)


class Names:
    """Names that rows speak of, to be found by an image's own.

    Rows may spell a name with backslashes, a drive, an address, percent signs, other composed characters or another
    case of the suffix, and more or fewer folders in front. The name that shares most of the path is taken; one with
    another folder is another image, unless the row's path begins at a root or an address that is not of this machine.

    Args:
        known: the names of the rows.
        where: their file, for messages.
    """

    def __init__(self, known: Iterable[str], where: str) -> None:
        self._where = where
        self._known = list(dict.fromkeys(known))
        self._set = set(self._known)
        self._elsewhere = {name for name in self._known if begins_elsewhere(name)}
        self._by_end: dict[str, list[tuple[Parts, str]]] = {}
        self._by_stem: dict[str, list[tuple[Parts, str]]] = {}
        for name in self._known:
            for spelled in _spellings(name):
                parts = tuple(spelled.split("/"))
                self._by_end.setdefault(_end(parts[-1]), []).append((parts, name))
                bare = _bare(parts)
                self._by_stem.setdefault(bare[-1], []).append((bare, name))

    def find(self, source: str | None, *, elsewhere: bool = False) -> str | None:
        """The name that an image goes by, or None.

        Args:
            source: of the image; None where it comes from no file.
            elsewhere: the folders of ``source`` need not be those of a name.

        Raises:
            DataError: the image does not say where it comes from and several are known, or two names fit equally well.
        """
        if source is None:
            if len(self._known) == 1:
                return self._known[0]
            raise DataError(
                f"{self._where}: the image does not say where it comes from, so its rows cannot be found; open it "
                "from a file, or give Image.from_array(..., source=NAME)"
            )
        if source in self._set:
            return source
        own = source.removeprefix(PREFIX)
        spellings = [tuple(spelled.split("/")) for spelled in _spellings(own)]
        whole = [
            (_shared(parts, one), name) for one in spellings for parts, name in self._by_end.get(_end(one[-1]), ())
        ]
        bare = [
            (_shared(parts, stem), name)
            for one in spellings
            for stem in {_bare(one), one}  # "v1.2" may be a name without a suffix
            for parts, name in self._by_stem.get(stem[-1], ())
        ]
        for fits in (whole, bare):
            allowed = [one for one in fits if one[0][1] or elsewhere or one[1] in self._elsewhere]
            if allowed:
                return self._one(source, [name for fit, name in allowed if fit == max(allowed)[0]])
        return None

    def _one(self, source: str, names: Sequence[str]) -> str:
        different = sorted(set(names))
        if len(different) > 1:
            raise DataError(
                f"{self._where}: {source} can be {' or '.join(different[:3])}; give paths that tell them apart"
            )
        return different[0]


def begins_elsewhere(name: str) -> bool:
    """Whether a path in a file begins at a root, a drive, an address or a folder above, of whoever wrote it."""
    spelled = name.replace("\\", "/")
    return "://" in name or ".." in spelled.split("/") or re.match(r"/|[A-Za-z]:(/|$)", spelled) is not None


def _spellings(name: str) -> set[str]:
    """A name as it stands, and without percent signs, which may hide signs that end an address's path."""
    return {plain(name), plain(unquote(plain(name)))}


def _bare(parts: Parts) -> Parts:
    """A path without its suffix."""
    return (*parts[:-1], PurePosixPath(parts[-1]).stem)


def _end(name: str) -> str:
    """A file's name with its suffix in lower case."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}{dot}{suffix.lower()}"


def _shared(a: Parts, b: Parts) -> tuple[int, bool, bool]:
    """How well two paths fit, to be compared: parts that are the same from the end, whether one is all of the other,
    and whether the ends are the same sign by sign."""
    count = 1
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count, count == min(len(a), len(b)), a[-1] == b[-1]


class Places:
    """Finds the files that names stand for in a folder; it is listed only when a name is not simply there.

    Args:
        folders: to look in, the first first.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self._listed: tuple[Names, dict[str, Path]] | None = None

    @classmethod
    def of(cls, folder: Path) -> Places:
        """Of a data set: ``images/``, if it has one, then the folder itself, then where the images of a job are."""
        own = [one for one in (folder / "images", folder) if one.is_dir()]
        return cls(*dict.fromkeys((*own, *image_roots(folder))))

    def beside(self, name: str) -> Path | None:
        """The file at the name as a path from one of the folders, or None; nothing is listed for it."""
        for folder in self.folders:
            for spelled in (name, name.replace("\\", "/"), plain(name), unquote(name)):
                try:
                    if spelled and (folder / spelled).is_file():
                        return folder / spelled
                except (OSError, ValueError):  # too long, or a zero in it
                    continue
        return None

    def find(self, name: str) -> Path | None:
        """The file, or None.

        Raises:
            DataError: two files fit equally well.
        """
        there = self.beside(name)
        if there is not None:
            return there
        if self._listed is None:
            files: dict[str, Path] = {}
            for folder in self.folders:  # of which one may lie in another
                known = set(files.values())
                for path in sorted(folder.rglob("*")):
                    if path.suffix.lower() in SUFFIXES and path not in known:
                        files.setdefault(path.relative_to(folder).as_posix(), path)
            self._listed = Names(files, ", ".join(map(str, self.folders))), files
        names, files = self._listed
        named = files and PurePosixPath(plain(name)).suffix
        found = names.find(name, elsewhere=begins_elsewhere(name)) if named else None
        return None if found is None else files[found]

    def find_stem(self, stem: str) -> Path | None:
        """The image whose path has this stem, whatever its suffix, or None."""
        for folder in self.folders:
            for suffix in (".jpg", *SUFFIXES, *(one.upper() for one in SUFFIXES)):
                if (folder / f"{stem}{suffix}").is_file():
                    return folder / f"{stem}{suffix}"
        return None


def clean_stem(name: str) -> str:
    """``name`` without what a file system refuses, not too long, and unlike a file of another kind; may be empty."""
    stem = _NOT_IN_FILE_NAMES.sub("_", unicodedata.normalize("NFC", name)).strip(" .")[:_LONGEST_STEM]
    if _OF_OTHER_FILES.search(stem) or stem.casefold() in RESERVED:
        stem += "_"
    return stem


class FileStems:
    """The stem under which each image of a job is saved; threads may share it.

    The first image of a name keeps it; another one of the same name gets the start of its key appended, and a
    number should that be taken as well. Names are compared as file systems do that ignore case.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stem_of: dict[tuple[str | None, str], str] = {}
        self._taken: set[str] = set()
        self._settled: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def of(self, image: Image) -> str:
        """The image's stem, the same one each time.

        Raises:
            DataError: its name is no Unicode.
        """
        if image.source is not None:
            check_unicode(image.source)
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


class FolderNames:
    """Names of images in a folder that is written: each its own, whatever its case.

    Args:
        by_stem: files are named after images without their suffix, so two that differ only in it would share one, and
            the second is renamed, too.
        beside: these files lie in the folder itself, where no image may have the name of a file about all of them.
    """

    def __init__(self, *, by_stem: bool = True, beside: bool = False) -> None:
        self._by_stem, self._beside = by_stem, beside
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """The image's path in the folder."""
        path = PurePosixPath(inside(name))
        stem, suffix, number = str(path.with_suffix("")), path.suffix, 1
        if self._beside and stem.casefold() in RESERVED:
            stem += "_"
        end = "" if self._by_stem else suffix
        while f"{_numbered(stem, number)}{end}".casefold() in self._taken:
            number += 1
        self._taken.add(f"{_numbered(stem, number)}{end}".casefold())
        return f"{_numbered(stem, number)}{suffix}"


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"
