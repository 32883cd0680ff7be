"""A folder of images and everything that is known about them, on disk and nowhere else.

::

    FOLDER/
      a.jpg, b.png, ...            or FOLDER/images/a.jpg, ...
      instances.json               accepted masks of all images, COCO: what trainers and other tools read
      annotations/a.jpg.json       one image: accepted masks in SA-1B's format, proposals beside them
      annotations/.project.json    label list, the image that was open last

Every file is written whole or not at all. A change reads the image's file, merges and writes it under one lock,
so that any number of windows and processes may work on one folder.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sampipe._files import write_atomic
from sampipe.errors import DataError
from sampipe.pages.label.image_files import ImageFile, find_images
from sampipe.pages.label.merge import Change, Propose, Put, merged
from sampipe.pages.label.record import ImageRecord
from sampipe.types import Image

_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.part")
_STALE = 60.0  # seconds; a write takes a fraction of one
_PATIENCE = 20.0  # seconds for a lock that others hold for milliseconds


@dataclass(frozen=True)
class Outcome:
    """An image's record after a change, and what to tell whoever made it."""

    record: ImageRecord
    notices: tuple[str, ...] = ()


class Project:
    """A folder that is being annotated; safe to use from threads and processes at the same time.

    Args:
        folder: with images in it, or in ``images/`` inside it.
        labels: the only names that masks may have; None leaves the list as it is, free at first.

    Raises:
        DataError: no such folder, no image in it, or annotations that would be lost.
    """

    def __init__(self, folder: str | Path, labels: Sequence[str] | None = None) -> None:
        self.folder = Path(folder)
        self.images = find_images(self.folder)
        self.annotations = self.folder / "annotations"
        self._by_key = {file.key: file for file in self.images}
        self._sweep()
        if labels is not None:
            self._set_labels(labels)

    def _sweep(self) -> None:
        """Remove what processes that were killed in the middle of a write have left."""
        for place in (self.folder, self.annotations):
            for file in place.glob(".*.part"):
                if _PARTIAL.fullmatch(file.name) and time.time() - file.stat().st_mtime > _STALE:
                    file.unlink(missing_ok=True)

    # -- images ------------------------------------------------------------------------

    def image_file(self, key: str) -> ImageFile:
        """The image of this key.

        Raises:
            DataError: there is none.
        """
        if key not in self._by_key:
            raise DataError(f"no image {key!r} in {self.folder}; it was there when the page was opened")
        return self._by_key[key]

    def open(self, file: ImageFile) -> Image:
        """The image's pixels, its EXIF orientation applied.

        Raises:
            DataError: it cannot be read, or has another size than its annotations.
        """
        image = Image.open(file.path)
        known = self.read(file).hw
        if known is not None and known != image.hw:
            raise DataError(
                f"{file.shown_name} has {image.width} x {image.height} pixels and its annotations are for "
                f"{known[1]} x {known[0]}: the image was exchanged. Put the old one back, or move "
                f"{self._record_of(file)} away"
            )
        return image

    # -- annotations -------------------------------------------------------------------

    def read(self, file: ImageFile) -> ImageRecord:
        """What is known about an image; an empty record before the first change.

        Raises:
            DataError: its file is damaged.
        """
        document = self.document(file)
        return ImageRecord() if document is None else ImageRecord.from_json(document, str(self._record_of(file)))

    def document(self, file: ImageFile) -> dict[str, Any] | None:
        """The image's annotations as they are on disk, None where there is none yet.

        Raises:
            DataError: the file is something else.
        """
        record = self._record_of(file)
        document = _read_json(record)
        if document is not None and not (
            isinstance(document.get("annotations"), list) and isinstance(document.get("image"), dict)
        ):
            raise DataError(f"{record}: not the annotations of an image; mend the file or move it away")
        return document

    def signature(self, file: ImageFile) -> tuple[int, int, int] | None:
        """Something that changes whenever the image's annotations do."""
        try:
            stat = self._record_of(file).stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def change(self, file: ImageFile, hw: tuple[int, int], *changes: Change) -> Outcome:
        """Take changes in and write the image's file.

        Args:
            file: of this folder.
            hw: its height and width, EXIF orientation applied.
            changes: see :mod:`sampipe.pages.label.merge`.

        Raises:
            DataError: a mask of another size, a label that is not in a fixed list, a damaged file, or a lock that
                another program does not give back.
        """
        added = [one.mask for one in changes if isinstance(one, Put)]
        added += [mask for one in changes if isinstance(one, Propose) for mask in one.masks]
        for mask in added:
            if mask.rle.hw != hw:
                raise DataError(f"{file.shown_name}: a mask of {mask.rle.hw} for an image of {hw} (height, width)")
        with self.locked():
            before = self.read(file)
            if before.hw not in (None, hw):
                raise DataError(f"{file.shown_name}: its annotations are for {before.hw}, the image is {hw}")
            self._admit([mask.label for mask in added if mask.label])
            after, notices = merged(before, changes)
            if after != before:
                self._write(file, after.replace(hw=hw))
                after = after.replace(hw=hw)
        return Outcome(after, tuple(notices))

    def _write(self, file: ImageFile, record: ImageRecord) -> None:
        beside = Path(os.path.relpath(file.path, self.annotations)).as_posix()
        document = record.to_json(file_name=beside, image_id=int(file.key[:12], 16))
        write_atomic(self._record_of(file), _dumped(document))

    def _record_of(self, file: ImageFile) -> Path:
        return self.annotations / file.file_name_for_annotations

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes anything in the folder meanwhile.

        Raises:
            DataError: the folder cannot be written to, or another program keeps the lock.
        """
        lock = self.annotations / ".lock"
        try:
            self.annotations.mkdir(exist_ok=True)
            with FileLock(lock, timeout=_PATIENCE):
                yield
        except Timeout as error:
            raise DataError(
                f"another program holds {lock} for {_PATIENCE:.0f} seconds; close it and try again"
            ) from error
        except PermissionError as error:
            raise DataError(f"cannot write in {self.annotations}: {error.strerror}") from error

    # -- label list and place ----------------------------------------------------------

    @property
    def labels(self) -> tuple[str, ...]:
        """The names in use, in the order in which they came: one category each."""
        return tuple(self._settings().get("labels", ()))

    @property
    def labels_are_fixed(self) -> bool:
        """Whether masks may have no other names."""
        return bool(self._settings().get("fixed", False))

    @property
    def last_image(self) -> ImageFile:
        """The image that was open last, else the first."""
        name = self._settings().get("last")
        return next((file for file in self.images if file.path.name == name), self.images[0])

    def remember(self, file: ImageFile) -> None:
        """Come back to this image when the folder is opened again."""
        with self.locked():
            self._write_settings(last=file.path.name)

    def _set_labels(self, labels: Sequence[str]) -> None:
        wanted = tuple(dict.fromkeys(label.strip() for label in labels if label.strip()))
        if not wanted:
            raise DataError("labels: got none, wanted one or more names, or leave the list free")
        with self.locked():
            in_use = {row["label"] for file in self.images for row in rows_of(self.document(file)) if row.get("label")}
            if missing := sorted(in_use - set(wanted)):
                raise DataError(
                    f"labels: masks are called {', '.join(missing)} already; add these names to the list, or rename "
                    "the masks first"
                )
            self._write_settings(labels=list(wanted), fixed=True)

    def _admit(self, labels: Sequence[str]) -> None:
        known = self.labels
        if new := [label for label in dict.fromkeys(labels) if label not in known]:
            if self.labels_are_fixed:
                raise DataError(f"{', '.join(new)}: not in the list of labels, which is {', '.join(known)}")
            self._write_settings(labels=[*known, *new])

    def _settings(self) -> dict[str, Any]:
        return _read_json(self.annotations / ".project.json") or {}

    def _write_settings(self, **values: Any) -> None:
        settings = self._settings()
        if any(settings.get(name) != value for name, value in values.items()):
            write_atomic(self.annotations / ".project.json", _dumped(settings | values))


def rows_of(document: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The annotations and proposals of an image's file."""
    return [] if document is None else [*document.get("annotations", ()), *document.get("proposals", ())]


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{file}: cannot be read as JSON ({error}); mend the file or move it away") from error
    if not isinstance(document, dict):
        raise DataError(f"{file}: wanted a JSON object; mend the file or move it away")
    return document


def _dumped(document: dict[str, Any]) -> bytes:
    """ASCII, so that file names that are no Unicode come back as they were."""
    return json.dumps(document, allow_nan=False).encode("ascii")
