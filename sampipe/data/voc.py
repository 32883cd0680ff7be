"""Pascal VOC: palette maps of objects and of classes; or, where there are none, boxes in XML files.

A pixel belongs to one object, and there are at most 254: where masks overlap the smaller one is on top. 255 is void.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe._files import write_atomic
from sampipe.data._text import decode_text
from sampipe.data._xml import clean, parse
from sampipe.data.annotated import NAMELESS, AnnotatedImage, Category, Dataset, GroundTruth, Reads, cut_box
from sampipe.data.format import Format, MapWriter
from sampipe.data.label_png import VOID, pairs_of, read_numbers
from sampipe.data.names import Places, one_line, plain
from sampipe.data.palette import palette
from sampipe.data.report import ReadReport
from sampipe.data.schema import Row, number, read_bytes, segmentation_rle, upright, whole
from sampipe.errors import DataError
from sampipe.types import RLE, Image
from sampipe.types._decode import stored
from sampipe.types.image import image_hw

Color = tuple[int, int, int]
CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
"""Of the challenge: the classes 1 to 20 of a folder without ``labelmap.txt``."""
_VOID_COLOR = (224, 224, 192)
_FIRST_COLORED = 256  # beyond the numbers that stand for something
_IMAGES, _OBJECTS, _CLASSES, _BOXES = "JPEGImages", "SegmentationObject", "SegmentationClass", "Annotations"

_OTHERS, _NOTHING = ("pose", "truncated", "difficult", "occluded"), ("0", "Unspecified")


def read(folder: Path) -> Dataset:
    """``JPEGImages/`` with ``SegmentationObject/``, else with the boxes of ``Annotations/*.xml``.

    Raises:
        DataError: no such folders. Maps and XML files are read with their image.
    """
    images, report = folder / _IMAGES, ReadReport()
    names = class_names(folder)
    readers: list[Reads]
    if images.is_dir() and (folder / _OBJECTS).is_dir():
        pairs = pairs_of(images, folder / _OBJECTS, report)
        readers = [partial(_read_map, image, file, folder, names, report) for image, file in pairs]
    elif images.is_dir() and (folder / _BOXES).is_dir():
        places = Places(images)
        readers = [
            partial(_read_boxes, file, folder, places, report) for file in sorted((folder / _BOXES).rglob("*.xml"))
        ]
    else:
        raise DataError(f"{folder}: wanted {_IMAGES}/ and {_OBJECTS}/ or {_BOXES}/")
    declared = tuple(Category(key, name) for key, name in names.items()) if (folder / "labelmap.txt").is_file() else ()
    return Dataset(folder, "voc", readers, declared, report)


def class_names(folder: Path) -> dict[int, str]:
    """The names of the classes by number: the lines of ``labelmap.txt`` (name, color ...), else the challenge's."""
    file = folder / "labelmap.txt"
    if not file.is_file():
        return dict(enumerate(CLASSES, start=1))
    return {number_: line.split(":")[0] for number_, line in enumerate(_lines(file)) if number_}


def _lines(file: Path) -> list[str]:
    return [line for line in decode_text(read_bytes(file), str(file)).splitlines() if line and line[0] != "#"]


def _colors(folder: Path) -> dict[Color, int]:
    """The number of each color in maps of classes: by ``labelmap.txt``, else by VOC's palette."""
    file = folder / "labelmap.txt"
    if not file.is_file():
        return _palette()
    found, usual = {}, list(_palette())
    for number_, line in enumerate(_lines(file)[: len(usual)]):
        words = line.split(":")[1].split(",") if ":" in line else []
        if len(words) == 3:
            red, green, blue = (whole(one, f"{file}: {line}", least=0, most=255) for one in words)
            found[red, green, blue] = number_
        else:
            found[usual[number_]] = number_
    return found


def _palette() -> dict[Color, int]:
    colors = np.array(palette()).reshape(-1, 3).tolist()
    return {(red, green, blue): number_ for number_, (red, green, blue) in enumerate(colors)}


def _numbers(file: Path, colors: Mapping[Color, int] | None) -> NDArray[np.int64]:
    """A map's numbers; of one in colors, as CVAT and datumaro write them, those that the colors stand for.

    Args:
        file: the map.
        colors: their numbers; None: each is one of its own.

    Raises:
        DataError: it is no map, or has a color that stands for nothing.
    """
    values, mode = stored(read_bytes(file), str(file))
    if mode not in ("RGB", "RGBA"):
        return read_numbers(file)
    pixels = values[..., :3].reshape(-1, 3)
    found, place = np.unique(pixels, axis=0, return_inverse=True)
    special = {(0, 0, 0): 0, _VOID_COLOR: VOID}
    numbers: list[int] = []
    for red, green, blue in found.tolist():
        number_ = special.get((red, green, blue))
        if number_ is None and colors is None:
            number_ = _FIRST_COLORED + len(numbers)
        if number_ is None and colors is not None:
            number_ = colors.get((red, green, blue))
        if number_ is None:
            raise DataError(f"{file}: the color {red}, {green}, {blue} stands for no class of labelmap.txt")
        numbers.append(number_)
    return np.array(numbers, np.int64)[place].reshape(values.shape[:2])


def _read_map(path: Path, file: Path, folder: Path, names: Mapping[int, str], report: ReadReport) -> AnnotatedImage:
    numbers = _numbers(file, None)
    class_file = folder / _CLASSES / file.relative_to(folder / _OBJECTS)
    kinds = _numbers(class_file, _colors(folder)) if class_file.is_file() else None
    if kinds is not None and kinds.shape != numbers.shape:
        raise DataError(f"{class_file}: it is {kinds.shape}, the objects {numbers.shape} (height, width)")
    objects = []
    for key in (int(one) for one in np.unique(numbers) if one not in (0, VOID)):
        class_id, name = _class(kinds, numbers == key, names)
        objects.append(GroundTruth.of_mask(key, name, RLE.from_mask(numbers == key), category_id=class_id))
    report.images += 1
    report.keep(len(objects))
    return AnnotatedImage(path, tuple(objects), numbers.shape, plain(path.relative_to(folder / _IMAGES).as_posix()))


def _class(
    kinds: NDArray[np.int64] | None, pixels: NDArray[np.bool_], names: Mapping[int, str]
) -> tuple[int | None, str]:
    """Number and name of what most of an object's pixels are."""
    if kinds is None:
        return None, NAMELESS
    values, counts = np.unique(kinds[pixels], return_counts=True)
    key = int(values[counts.argmax()])
    return key, names.get(key, f"class {key}")


def _read_boxes(file: Path, folder: Path, places: Places, report: ReadReport) -> AnnotatedImage:
    root = parse(read_bytes(file), root="annotation", place=str(file))
    size, name = root.find("size"), plain(root.findtext("filename") or "")
    stem = file.relative_to(folder / _BOXES).with_suffix("").as_posix()
    path = (places.find(name) if name else None) or places.find_stem(stem)  # VOC's own rule is the stem
    if size is None and path is None:
        raise DataError(f"{file}: no <size>, and its image {name or stem} is not there")
    hw = _hw(size, file) if size is not None or path is None else image_hw(path)
    objects = []
    for index, one in enumerate(root.findall("object")):
        box = one.find("bndbox")
        if box is None:
            report.leave_out("neither a mask nor a box", f"{file}: object {index}")
            continue
        x0, y0, x1, y1 = (_number(box, side, file, least=-1e6, most=1e6) for side in ("xmin", "ymin", "xmax", "ymax"))
        upright((x0 - 1, y0 - 1, x1, y1), f"{file}: object {index}: bndbox")
        mask = segmentation_rle([[x0 - 1, y0 - 1, x1, y0 - 1, x1, y1, x0 - 1, y1]], hw, str(file))
        # VOC counts pixels from 1 and the last one belongs to the box
        label = one.findtext("name") or NAMELESS
        extra = {key: text for key in _OTHERS if (text := (one.findtext(key) or "0").strip()) not in _NOTHING}
        objects.append(GroundTruth(index + 1, label, (x0 - 1, y0 - 1, x1, y1), mask, box_only=True, extra=extra))
        for part in one.findall("part"):
            report.leave_out("a part of an object", f"{file}: object {index}: {part.findtext('name')}")
    report.images += 1
    report.keep(len(objects))
    if path is None:
        report.note("image file is not there", name or stem)
        path = folder / _IMAGES / (name or stem)
    return AnnotatedImage(path, tuple(objects), hw, plain(path.relative_to(folder / _IMAGES).as_posix()))


def _hw(size: ElementTree.Element | None, file: Path) -> tuple[int, int]:
    return Row({} if size is None else {one.tag: one.text for one in size}, f"{file}: <size>").hw()


def _number(parent: ElementTree.Element, tag: str, file: Path, *, least: float, most: float) -> float:
    return number(parent.findtext(tag) or "", f"{file}: <{tag}>", least=least, most=most)


@dataclass(kw_only=True)
class VocWriter(MapWriter):
    """``SegmentationObject/``, ``SegmentationClass/``, ``Annotations/`` (boxes), ``labelmap.txt``, ``ImageSets/``.

    Images in ``JPEGImages/`` as ``images`` says. The class 1 is on the second line of ``labelmap.txt``; a folder that
    has one already goes on to count.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        there = (self.folder / "labelmap.txt").is_file() and not self.fresh
        self._class_names = list(class_names(self.folder).values()) if there else []
        declared = [self.label(one.name) for one in self.categories]
        self._class_names += [name for name in dict.fromkeys(declared) if name not in self._class_names]
        self._stems: dict[str, None] = {}

    def label(self, name: str) -> str:
        return one_line(name.replace(":", " ").lstrip("#"))  # labelmap.txt: a line a class, colons within, # comments

    def write(self, image: AnnotatedImage, stem: str | None, pixels: Image | None) -> list[Path]:
        name = self.name_in_folder(image, stem)
        if len(image.objects) >= VOID:
            raise DataError(
                f"{image.name}: {len(image.objects)} objects; Pascal VOC holds 254. Use COCO or label maps."
            )
        with self._lock:
            self._class_names += dict.fromkeys(
                one.category for one in image.objects if one.category not in self._class_names
            )
            kinds = [self._class_names.index(one.category) + 1 for one in image.objects]
            self._stems[str(PurePosixPath(name).with_suffix(""))] = None
        if max(kinds, default=0) >= VOID:
            raise DataError(f"{image.name}: Pascal VOC holds 254 classes, and there are more. Use COCO.")
        self.place(image, pixels, self.folder / _IMAGES / name)
        objects = self.label_map(image).astype(np.uint8)
        png = PurePosixPath(name).with_suffix(".png")
        files = {
            self.folder / _OBJECTS / png: _png(objects),
            self.folder / _CLASSES / png: _png(np.array([0, *kinds], np.uint8)[objects]),
            self.folder / _BOXES / png.with_suffix(".xml"): _boxes(image, name),
        }
        for path, content in files.items():
            write_atomic(path, content)
        return list(files)

    def finish(self) -> list[Path]:
        colors = np.array(palette()).reshape(-1, 3).tolist()
        with self._lock:
            rows = [
                f"{name}:{','.join(map(str, colors[n]))}::" for n, name in enumerate(["background", *self._class_names])
            ]
            stems = list(self._stems)
        files = {
            self.folder / "labelmap.txt": "# label:color_rgb:parts:actions\n" + "".join(f"{row}\n" for row in rows),
            self.folder / "ImageSets" / "Segmentation" / "default.txt": "".join(f"{one}\n" for one in stems),
        }
        for path, text in files.items():
            write_atomic(path, text.encode())
        return list(files)


def _boxes(image: AnnotatedImage, name: str) -> bytes:
    """The XML of an image: VOC counts pixels from 1, and the last one belongs to the box."""
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "folder").text = _IMAGES
    ElementTree.SubElement(root, "filename").text = name
    size = ElementTree.SubElement(root, "size")
    for tag, value in zip(("width", "height", "depth"), (*reversed(image.hw), 3), strict=True):
        ElementTree.SubElement(size, tag).text = str(value)
    ElementTree.SubElement(root, "segmented").text = "1"
    for one in image.objects:
        x0, y0, x1, y1 = cut_box(one.xyxy, image.hw)
        row = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(row, "name").text = clean(one.category)
        box = ElementTree.SubElement(row, "bndbox")
        for tag, side in zip(("xmin", "ymin", "xmax", "ymax"), (x0 + 1, y0 + 1, x1, y1), strict=True):
            ElementTree.SubElement(box, tag).text = f"{side:g}"
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _png(pixels: np.ndarray) -> bytes:
    opened = Pillow.fromarray(pixels)
    opened.putpalette(palette())
    buffer = io.BytesIO()
    opened.save(buffer, format="PNG")
    return buffer.getvalue()


def _recognize(folder: Path) -> bool:
    boxes = (folder / _BOXES).is_dir() and next((folder / _BOXES).rglob("*.xml"), None) is not None
    return (folder / _IMAGES).is_dir() and ((folder / _OBJECTS).is_dir() or boxes)


FORMAT = Format(
    name="voc",
    title="Pascal VOC",
    read=read,
    recognize=_recognize,
    writer=VocWriter,
    files="SegmentationObject/{stem}.png",
    shared=("labelmap.txt",),
    placing="link",
    cannot_hold="overlaps (the smaller is on top), scores, category ids, crowds, more than 254 objects or classes",
    opened_by="datumaro 1.13.12",
)
