"""What a format is: a name, a reader of folders, a writer of folders, and what it cannot hold."""

from __future__ import annotations

import os
import shutil
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from sampipe._files import atomic_file, write_atomic
from sampipe.data.annotated import AnnotatedImage, Category, Dataset, GroundTruth
from sampipe.data.images import SUFFIXES
from sampipe.data.names import FolderNames, check_unicode, common_root
from sampipe.data.report import ReadReport
from sampipe.errors import DataError
from sampipe.types import Image

PLACING = ("link", "copy", "none")


@dataclass(kw_only=True)
class Writer(ABC):
    """Writes annotated images into a folder one after the other; threads may share it.

    Subclasses are dataclasses; what they add to these fields are the format's options.

    Args:
        folder: where the files go.
        images: whether image files are linked or copied into the folder ("link", "copy"), or not ("none").
        categories: that are declared whether they are used or not, with their ids.
        root: of the job: what the names of its images begin at.
        shorten: names are whole paths; the folders that all have in common are taken off at the end.
        fresh: what is in the folder is replaced as a set, so the names of classes in it count for nothing.
        extra: what else is known of all images.

    Attributes:
        holds_crowds, holds_boxes, holds_empty: whether the format can hold crowds, boxes without a mask and masks
            without a pixel; what it cannot is counted.
        holds_extra, holds_extra_of_images, holds_extra_of_all: so for other fields of objects, of images, and of
            categories and the whole file.
        by_stem: its files are named after images without their suffix.
        beside: its files lie in the folder itself, among those about all images.
    """

    holds_crowds: ClassVar[bool] = False
    holds_boxes: ClassVar[bool] = False
    holds_empty: ClassVar[bool] = False
    holds_extra: ClassVar[bool] = False
    holds_extra_of_images: ClassVar[bool] = False
    holds_extra_of_all: ClassVar[bool] = False
    by_stem: ClassVar[bool] = True
    beside: ClassVar[bool] = False

    folder: Path
    images: str = "none"
    categories: Sequence[Category] = ()
    root: str = ""
    shorten: bool = False
    fresh: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    report: ReadReport = field(default_factory=ReadReport, init=False)

    def __post_init__(self) -> None:
        if self.images not in PLACING:
            raise DataError(f"images: got {self.images!r}; there are {', '.join(PLACING)}")
        self._lock = threading.RLock()
        self._names = FolderNames(by_stem=self.by_stem, beside=self.beside)
        self._placed: list[Path] = []
        self._name_of: dict[tuple[str, str, str], str] = {}
        if not self.holds_extra_of_all:
            self._not_held(self.extra, "images come with", "the file that is read")
            for one in self.categories:
                self._not_held(one.extra, "images have categories with", one.name)

    def add(self, image: AnnotatedImage, stem: str | None = None, pixels: Image | None = None) -> list[Path]:
        """Take in an image; one that comes again replaces what was written of it.

        Args:
            image: with its objects.
            stem: of files that lie flat in the folder; by default the image's name without its suffix.
            pixels: of the image, where they are at hand.

        Returns:
            The files that are about this image alone and are written by now.

        Raises:
            DataError: the image file is missing, its name is no Unicode, or the format cannot hold what is annotated.
        """
        with self._lock:
            self.report.keep(len(image.objects))
        held = self._held(image)
        placed = len(self._placed)
        try:
            check_unicode(image.name)
            files = self.write(replace(held, size=image.hw), stem, pixels)
        except (DataError, OSError):
            for one in held.objects:
                self.report.drop("an object of an image that could not be written", f"object {one.id}")
            raise
        with self._lock:
            self.report.images += 1
        return [*files, *self._placed[placed:]]

    def _held(self, image: AnnotatedImage) -> AnnotatedImage:
        """The image with the objects that the format can hold; the others are counted."""
        kept = []
        for one in image.objects:
            if one.crowd and not self.holds_crowds:
                self.report.drop("a crowd, which the format written cannot hold", f"{image.name}: object {one.id}")
            elif one.box_only and not self.holds_boxes:
                self.report.drop("a box without a mask", f"{image.name}: object {one.id}")
            elif not (one.mask.area or one.box_only or self.holds_empty):
                self.report.drop("a mask without a pixel", f"{image.name}: object {one.id}")
            else:
                kept.append(self._labelled(one, image))
                if not self.holds_extra:
                    self._not_held(one.extra, "image has objects with", f"{image.name}: object {one.id}")
        if not self.holds_extra_of_images:
            self._not_held(image.extra, "image has", image.name)
        return image.with_objects(kept)

    def _not_held(self, extra: Mapping[str, Any], what: str, place: str) -> None:
        if extra:
            self.report.note(f"{what} {', '.join(sorted(extra))}, which the format cannot hold", place)

    def _labelled(self, one: GroundTruth, image: AnnotatedImage) -> GroundTruth:
        label = self.label(one.category)
        if label == one.category:
            return one
        self.report.note("image has a label with signs that the format cannot hold", f"{image.name}: object {one.id}")
        return replace(one, category=label)

    def label(self, name: str) -> str:
        """A label as the format can hold it: without halves of characters, which no file holds."""
        return name.encode("utf-8", "replace").decode("utf-8")

    @abstractmethod
    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        """What :meth:`add` does, but for the counts."""

    def finish(self) -> list[Path]:
        """Write the files about all images, which are whole or not there; may be called again after more images."""
        return []

    def name_in_folder(self, image: AnnotatedImage, stem: str | None = None) -> str:
        """The image's path in the folder of images: the same one each time, and no other image's."""
        with self._lock:
            key = identity(image)
            if key not in self._name_of:
                suffix = Path(image.name).suffix
                suffix = suffix if suffix.lower() in SUFFIXES else ".png"
                short = stem if self.shorten and stem else image.name.removesuffix(suffix)
                self._name_of[key] = self._names.take(f"{short}{suffix}")
                if self.images != "none" and not self.shorten and self._name_of[key] != image.name:
                    self.report.note("image was renamed in the folder", f"{image.name}: {self._name_of[key]}")
            return self._name_of[key]

    def short_names(self, images: Sequence[AnnotatedImage]) -> list[str]:
        """The names of the images, which are whole paths where ``shorten`` says so, without their common folders."""
        names = [one.name for one in images]
        if not self.shorten:
            return names
        parts = [name.split("/") for name in names]
        common = 0
        while len({tuple(one[: common + 1]) for one in parts if len(one) > common + 1}) == 1 and all(
            len(one) > common + 1 for one in parts
        ):
            common += 1
        return ["/".join(one[common:]) for one in parts]

    def image_root(self, images: Sequence[AnnotatedImage], index: str) -> str:
        """Where the names of images that are not placed in this folder begin, seen from the index; may be empty."""
        root = common_root(str(one.path) for one in images if one.path.is_file()) if self.shorten else self.root
        inside = (self.folder / index).parent.absolute()
        return _seen_from(Path(root), inside) if self.images == "none" and root else ""

    def place(self, image: AnnotatedImage, pixels: Image | None, target: Path) -> None:
        """Link or copy the image file, as ``images`` says; one that is there already stays.

        Raises:
            DataError: it is missing.
        """
        if self.images == "none":
            return
        with self._lock:
            self._placed.append(target)
        if target.exists():
            return
        if not image.path.is_file():
            if pixels is None:
                raise DataError(f"{image.path}: the image is missing; put it there, or write no images (--images none)")
            from sampipe.data.label_png import png_bytes

            write_atomic(target, png_bytes(pixels.pixels))
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.images == "link":
            try:
                target.symlink_to(os.path.relpath(image.path.resolve(), target.parent.resolve()))
                return
            except OSError:  # a file system without links
                pass
        with atomic_file(target) as partial:
            shutil.copyfile(image.path, partial)


@dataclass(kw_only=True)
class IndexWriter(Writer):
    """One file about all images, written at the end; images in ``images/``.

    Args:
        file: its name in the folder.
    """

    by_stem: ClassVar[bool] = False

    file: InFolder = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._images: dict[tuple[str, str, str], AnnotatedImage] = {}

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        if self.images != "none":
            self.place(image, pixels, self.folder / "images" / self.name_in_folder(image, stem))
        with self._lock:
            self._images[identity(image)] = image
        return []

    def finish(self) -> list[Path]:
        path = self.folder / self.file
        with self._lock:
            images = list(self._images.values())
            names = self.short_names(images) if self.images == "none" else [self.name_in_folder(one) for one in images]
            with atomic_file(path) as partial:
                self.write_index(partial, list(zip(names, images, strict=True)))
        return [path]

    @abstractmethod
    def write_index(self, path: Path, images: Sequence[tuple[str, AnnotatedImage]]) -> None:
        """Write the file about the images, each with its name."""


@dataclass(kw_only=True)
class SidecarWriter(Writer):
    """Files for each image that lie flat in the folder, or, converted, beside each image."""

    suffix: ClassVar[str]
    beside: ClassVar[bool] = True

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        base = self.folder / (stem or str(PurePosixPath(name).with_suffix("")))
        if self.images == "none":
            path = _seen_from(image.path, base.parent) if image.path.name else image.name
        else:
            self.place(image, pixels, self.folder / name)
            path = _seen_from(self.folder / name, base.parent)
        files = {base.parent / f"{base.name}{end}": data for end, data in self.content(image, path, pixels).items()}
        for file, data in files.items():
            write_atomic(file, data)
        return list(files)

    @abstractmethod
    def content(self, image: AnnotatedImage, image_path: str, pixels: Image | None) -> dict[str, bytes]:
        """The files of an image by what is put behind its stem; ``image_path`` is seen from them."""


class MapWriter(Writer):
    """Files that number pixels: of masks that overlap the smaller is on top, which is counted."""

    def label_map(self, image: AnnotatedImage) -> np.ndarray:
        """uint16 (h, w): 0 for background, i + 1 for the i-th object that can be seen; the others are counted.

        Raises:
            DataError: more than 65,535 objects.
        """
        from sampipe.data.label_png import label_image

        labels = label_image(image.masks())
        seen = np.bincount(labels.ravel(), minlength=len(image.objects) + 1)[1:]
        for one, count in zip(image.objects, seen.tolist(), strict=True):
            place = f"{image.name}: object {one.id}"
            if not count:
                self.report.drop("a mask that lies under others", place)
            elif count < one.mask.area:
                self.report.note("image has a mask that lies partly under others", place)
        return labels


def _seen_from(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return path.absolute().as_posix()


def _inside(name: str) -> str:
    if not name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError("Wanted a file in the folder that is written")
    return name


InFolder = Annotated[str, AfterValidator(_inside)]
"""A file's path that stays inside the folder."""
Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Pixels by which an outline may be simplified."""


def identity(image: AnnotatedImage) -> tuple[str, str, str]:
    """What an image is known by when it comes again."""
    return str(image.path), image.name, str(image.id)


@dataclass(frozen=True)
class Format:
    """A format of annotations.

    Args:
        name: for ``--save``, ``--from`` and ``--to``.
        title: for people.
        read: a data set from its folder; None where there is no reader.
        recognize: whether a folder is in this format, by the names in it.
        writer: of folders; None where there is no writer.
        files: what the writer writes for an image, with ``{stem}``; two formats of one job must not have the same.
        index: the file that holds the annotations of all images, if there is one.
        shared: other files about all images.
        placing: what the command line does with image files where nobody says.
        cannot_hold: what is lost, for the table in docs/formats.md.
        opened_by: programs, and their versions, whose own readers opened what is written, in a test.
    """

    name: str
    title: str
    read: Callable[[Path], Dataset] | None = None
    recognize: Callable[[Path], bool] | None = None
    writer: type[Writer] | None = None
    files: str | None = None
    index: str | None = None
    shared: tuple[str, ...] = ()
    placing: str = "none"
    cannot_hold: str = ""
    opened_by: str = ""
