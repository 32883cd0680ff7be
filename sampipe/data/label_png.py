"""Label maps: one number a pixel, as PNG of up to 16 bits; ``images/`` beside ``masks/``."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe._files import write_atomic
from sampipe.data.annotated import NAMELESS, AnnotatedImage, Dataset, GroundTruth, Reads, masks_of
from sampipe.data.format import Format, MapWriter
from sampipe.data.images import SUFFIXES
from sampipe.data.job_folder import paths_from, sources_by_stem
from sampipe.data.names import Places, common_root, from_folder, path_of, plain
from sampipe.data.report import ReadReport
from sampipe.data.schema import read_bytes
from sampipe.errors import DataError
from sampipe.types import RLE, Image, Masks
from sampipe.types._decode import stored

MOST_OBJECTS = 65_535
VOID = 255
_FLAT = ".labels.png"
_COMPRESSION = 4  # of zlib: images come out as small as at 6, its default, in a third to half of the time


def label_image(masks: Masks) -> np.ndarray:
    """uint16 (h, w): 0 for background, i + 1 for the i-th object; of objects that overlap the smaller is on top.

    Raises:
        DataError: more than 65,535 objects.
    """
    if len(masks) > MOST_OBJECTS:
        raise DataError(f"{len(masks)} masks; a 16-bit label image holds {MOST_OBJECTS}. Use SaveCoco.")
    labels = np.zeros(masks.hw, np.uint16)
    rles = masks.rle()
    for index in np.argsort(-masks.area(), kind="stable"):
        x0, y0, x1, y1 = (int(value) for value in rles[index].box)
        labels[y0:y1, x0:x1][rles[index].window()] = index + 1
    return labels


def write_labels(masks: Masks) -> bytes:
    """The PNG of :func:`label_image`."""
    return png_bytes(label_image(masks))


def read_labels(png: bytes) -> Masks:
    """One object for each number in a grey or palette PNG of 8 or 16 bits, lowest first; 0 is background.

    Raises:
        DataError: it is no such image.
    """
    labels = numbers_of(png, "the label image")
    numbers = [number for number in np.unique(labels).tolist() if number]
    return masks_of([RLE.from_mask(labels == number) for number in numbers], labels.shape, labels=None)


def png_bytes(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 (h, w), (h, w, 3) or (h, w, 4), or uint16 (h, w) pixels."""
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, format="PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()


def read_numbers(path: Path) -> NDArray[np.int64]:
    """The numbers in a palette, grey or 16-bit image, (h, w).

    Raises:
        DataError: not an image, or one with colors instead of numbers.
    """
    return numbers_of(read_bytes(path), str(path))


def numbers_of(data: bytes, place: str) -> NDArray[np.int64]:
    """The numbers in the bytes of such an image, (h, w).

    Raises:
        DataError: not an image, or one with colors instead of numbers.
    """
    return _numbers_and_mode(data, place)[0]


def _numbers_and_mode(data: bytes, place: str) -> tuple[NDArray[np.int64], str]:
    values, mode = stored(data, place)
    if mode not in ("1", "L", "P") and not mode.startswith("I"):
        raise DataError(f"{place}: an image of mode {mode}; wanted numbers: grey, palette or 16 bits")
    return values.astype(np.int64), mode


def objects_of_numbers(numbers: NDArray[np.int64], *, void: Collection[int] = (VOID,)) -> tuple[GroundTruth, ...]:
    """Each number but 0 is an object; 255 is void, but an object where it is the only number (a binary mask)."""
    found = [number for number in np.unique(numbers).tolist() if number]
    left = [number for number in found if number not in void] or found
    return tuple(GroundTruth.of_mask(number, NAMELESS, RLE.from_mask(numbers == number)) for number in left)


def pairs_of(images: Path, maps: Path, report: ReadReport) -> list[tuple[Path, Path]]:
    """Each label map below a folder with its image, of the same path but for the suffix, below another.

    Maps whose image is not there and images without a map are told of.

    Args:
        images, maps: the two folders.
        report: gets the counts.
    """
    places, pairs = Places(images), []
    for file in sorted(maps.rglob("*.png")):
        stem = file.relative_to(maps).with_suffix("")
        path = places.find_stem(stem.as_posix())
        if path is None:
            report.note("image file is not there", f"{file}: {images / stem} with .jpg, .png or the like")
        pairs.append((path or images / stem, file))
    known = {image for image, _ in pairs}
    for image in sorted(images.rglob("*")):
        if image.suffix.lower() in SUFFIXES and image not in known:
            report.note("image without a label map", str(image))
    return pairs


def read(folder: Path) -> Dataset:
    """``images/`` and ``masks/`` with a label map of the same name for each image, or ``<stem>.labels.png``.

    Images without one are counted. 0 and 255 alone are a binary mask, one object; beside other numbers 255 is void.
    Flat label maps find their images in the folder, or where those of its job are.

    Raises:
        DataError: no such files.
    """
    images, masks, report = folder / "images", folder / "masks", ReadReport()
    if not (images.is_dir() and masks.is_dir()):
        return _read_flat(folder, report)
    return dataset_of_maps(folder, "png", pairs_of(images, masks, report), images, report)


def _read_flat(folder: Path, report: ReadReport) -> Dataset:
    files = sorted(folder.glob(f"*{_FLAT}"))
    if not files:
        raise DataError(f"{folder}: wanted images/ and masks/, or label maps called <stem>{_FLAT}")
    base = paths_from(folder)
    sources = {stem: from_folder(source, base) for stem, source in sources_by_stem(folder).items()}
    places, root, pairs = Places.of(folder), Path(common_root(sources.values()) or folder), []
    for file in files:
        stem = file.name.removesuffix(_FLAT)
        path = path_of(sources[stem]) if stem in sources else places.find_stem(stem)
        if path is None or not path.is_file():
            report.note("image file is not there", f"{file}: {path or stem}")
        pairs.append((path or folder / stem, file))
    readers = [
        partial(_read_image, path, file, root if path.is_relative_to(root) else path.parent, report)
        for path, file in pairs
    ]
    return Dataset(folder, "png", readers, (), report)


def dataset_of_maps(
    folder: Path, name: str, pairs: Iterable[tuple[Path, Path]], images: Path, report: ReadReport
) -> Dataset:
    """Images and their label maps, read one by one."""
    readers: list[Reads] = [partial(_read_image, image, file, images, report) for image, file in pairs]
    return Dataset(folder, name, readers, (), report)


def _read_image(path: Path, file: Path, images: Path, report: ReadReport) -> AnnotatedImage:
    numbers, mode = _numbers_and_mode(read_bytes(file), str(file))
    objects = objects_of_numbers(numbers, void=() if mode.startswith("I") else (VOID,))  # 16 bits have room for more
    report.images += 1
    report.keep(len(objects))
    return AnnotatedImage(path, objects, numbers.shape, plain(path.relative_to(images).as_posix()))


@dataclass(kw_only=True)
class PngWriter(MapWriter):
    """A 16-bit label map for each image: 0 is background, i + 1 the i-th object; the smaller is on top.

    ``<stem>.labels.png``, or with the images ``masks/<name>.png`` beside ``images/``.

    Args:
        each: also one binary PNG (0 and 255) for each object, ``<stem>.mask-0001.png``, which loses no overlap.
    """

    each: bool = False

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        masks = image.masks()
        if self.images == "none" and stem is not None:
            file = self.folder / f"{stem}.labels.png"
        else:
            self.place(image, pixels, self.folder / "images" / name)
            file = self.folder / "masks" / PurePosixPath(name).with_suffix(".png")
        files = {file: write_labels(masks) if self.each else png_bytes(self.label_map(image))}
        base = stem or str(PurePosixPath(name).with_suffix(""))
        for number, mask in enumerate(masks.iter_binary() if self.each else (), start=1):
            files[self.folder / f"{base}.mask-{number:04d}.png"] = png_bytes(mask.astype(np.uint8) * 255)
        for path, content in files.items():
            write_atomic(path, content)
        return list(files)


def _recognize(folder: Path) -> bool:
    flat = any(folder.glob(f"*{_FLAT}")) and not (folder / "rows").is_dir()  # a job's rows hold more
    return flat or ((folder / "images").is_dir() and (folder / "masks").is_dir())


FORMAT = Format(
    name="png",
    title="label maps",
    read=read,
    recognize=_recognize,
    writer=PngWriter,
    files="{stem}.labels.png",
    cannot_hold="overlaps (the smaller is on top), labels, category ids, scores, crowds",
    opened_by="Pillow 12",
)
